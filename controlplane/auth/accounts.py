"""Local accounts, for platform admins only."""

from __future__ import annotations

from uuid import uuid4

from controlplane.auth import passwords, repository
from controlplane.auth.model import Account, AccountCreate, AccountQuery, AccountUpdate
from controlplane.auth.policy import PLATFORM, Action
from controlplane.auth.repository import AccountRow
from controlplane.db import decode_cursor, encode_cursor
from controlplane.errors import Conflict, NotFound, Refused
from controlplane.model import Page
from controlplane.operations.log import lock_name
from controlplane.tenants.service import check_version
from controlplane.work import Work


class AccountService:
    """Accounts are disabled, never deleted: the audit names them."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, command: AccountCreate) -> Account:
        """Conflict: the name is taken."""
        work = self._work
        work.require(Action.ACCOUNT_MANAGE, PLATFORM)
        lock_name(work.session, f"account:{command.name}")
        if repository.account_by_name(work.session, command.name) is not None:
            raise Conflict(f"The account {command.name} exists already.", code="account-exists")
        row = AccountRow(
            id=uuid4(), name=command.name, title=command.title or command.name,
            password_hash=passwords.hash_password(command.password), platform_admin=command.platform_admin,
            groups=sorted(set(command.groups)), disabled=False, version=1, created_at=work.now,
        )  # fmt: skip
        work.session.add(row)
        work.session.flush()
        work.audit("account.create", f"account/{row.name}", after=_audited(row))
        return _shown(row)

    def get(self, name: str) -> Account:
        self._work.require(Action.ACCOUNT_MANAGE, PLATFORM)
        row = repository.account_by_name(self._work.session, name)
        if row is None:
            raise NotFound
        return _shown(row)

    def list(self, query: AccountQuery) -> Page[Account]:
        """By name."""
        self._work.require(Action.ACCOUNT_MANAGE, PLATFORM)
        after = decode_cursor(query.cursor, 1)[0] if query.cursor else None
        rows = repository.accounts_page(self._work.session, after=after, limit=query.limit, search=query.search)
        shown = rows[: query.limit]
        more = encode_cursor(shown[-1].name) if len(rows) > query.limit else None
        return Page(items=tuple(_shown(row) for row in shown), next=more)

    def update(self, name: str, command: AccountUpdate, version: int | None = None) -> Account:
        """A new password or `disabled` kills the account's sessions. The last platform admin stays one."""
        work = self._work
        work.require(Action.ACCOUNT_MANAGE, PLATFORM)
        admins = repository.active_admins(work.session, lock=True)
        row = repository.account_by_name(work.session, name, lock=True)
        if row is None:
            raise NotFound
        check_version(version, row.version)
        loses = (command.platform_admin is False or command.disabled is True) and row.id in admins
        if loses and len(admins) == 1:
            raise Refused("This is the last platform admin. Make another one first.", code="last-admin")
        before = _audited(row)
        row.title = command.title or row.title
        if command.platform_admin is not None:
            row.platform_admin = command.platform_admin
        if command.groups is not None:
            row.groups = sorted(set(command.groups))
        if command.disabled is not None:
            row.disabled = command.disabled
        if command.password is not None:
            row.password_hash = passwords.hash_password(command.password)
        if command.password is not None or row.disabled:
            repository.end_sessions(work.session, row.id)
        after = _audited(row)
        if after != before or command.password is not None:
            row.version += 1
            work.audit(
                "account.update", f"account/{row.name}", before=before,
                after={**after, "password": "changed"} if command.password is not None else after,
            )  # fmt: skip
        work.session.flush()
        return _shown(row)


def _audited(row: AccountRow) -> dict[str, object]:
    return {
        "title": row.title, "platform_admin": row.platform_admin, "groups": row.groups, "disabled": row.disabled,
    }  # fmt: skip


def _shown(row: AccountRow) -> Account:
    return Account(
        id=row.id, name=row.name, title=row.title, platform_admin=row.platform_admin, groups=tuple(row.groups),
        disabled=row.disabled, version=row.version, created_at=row.created_at, last_login_at=row.last_login_at,
    )  # fmt: skip
