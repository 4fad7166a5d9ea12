"""Who belongs to a tenant. A change acts at the next request of the person concerned."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from components.names import Role
from controlplane.auth import repository as accounts
from controlplane.auth.policy import Action
from controlplane.db import cursor_id, decode_cursor, encode_cursor
from controlplane.errors import Conflict, Finding, Invalid, NotFound
from controlplane.members import repository
from controlplane.members.model import Member, MemberCreate, MemberKind, MemberQuery, MemberUpdate
from controlplane.members.repository import MemberRow
from controlplane.model import Page
from controlplane.tenants.repository import TenantRow
from controlplane.tenants.service import check_version, visible
from controlplane.work import Work


class MemberService:
    """Tenant admins and platform admins change members; every member sees the list."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def add(self, tenant: str, command: MemberCreate) -> Member:
        """Conflict when the subject is a member already. An account must exist; a group need not."""
        owner = visible(self._work, tenant, Action.MEMBER_WRITE, lock=True)
        return _shown(owner, add(self._work, owner, command))

    def get(self, tenant: str, member: UUID) -> Member:
        owner = visible(self._work, tenant, Action.MEMBER_READ)
        row = repository.by_id(self._work.session, owner.id, member)
        if row is None:
            raise NotFound
        return _shown(owner, row)

    def list(self, tenant: str, query: MemberQuery) -> Page[Member]:
        """By subject."""
        owner = visible(self._work, tenant, Action.MEMBER_READ)
        after = None
        if query.cursor:
            subject, member = decode_cursor(query.cursor, 2)
            after = (subject, cursor_id(member))
        rows = repository.page(
            self._work.session, tenant=owner.id, after=after, limit=query.limit, search=query.search, role=query.role
        )
        shown = rows[: query.limit]
        more = encode_cursor(shown[-1].subject, str(shown[-1].id)) if len(rows) > query.limit else None
        return Page(items=tuple(_shown(owner, row) for row in shown), next=more)

    def update(self, tenant: str, member: UUID, command: MemberUpdate, version: int | None = None) -> Member:
        """Another role, from the person's next request on."""
        work = self._work
        owner = visible(work, tenant, Action.MEMBER_WRITE, lock=True)
        row = repository.by_id(work.session, owner.id, member, lock=True)
        if row is None:
            raise NotFound
        check_version(version, row.version)
        if row.role != command.role:
            before = _audited(row)
            row.role = command.role
            row.version += 1
            _note(work, owner, "member.update", row, before=before, after=_audited(row))
        return _shown(owner, row)

    def remove(self, tenant: str, member: UUID) -> None:
        """From the person's next request on they see nothing of the tenant any more."""
        work = self._work
        owner = visible(work, tenant, Action.MEMBER_WRITE, lock=True)
        row = repository.by_id(work.session, owner.id, member, lock=True)
        if row is None:
            raise NotFound
        remove(work, owner, row)


def check_subject(work: Work, tenant: TenantRow, command: MemberCreate) -> None:
    """Invalid where the account is missing; Conflict where it is a member already."""
    if command.kind is MemberKind.ACCOUNT and accounts.account_by_name(work.session, command.subject) is None:
        raise Invalid(
            f"There is no account {command.subject}. Ask a platform admin to create it, or name a group.",
            findings=[Finding("body.subject", "is no account")],
        )
    if command.expires_at is not None and command.expires_at <= work.now:
        raise Invalid("The expiry is in the past.", findings=[Finding("body.expires_at", "is past")])
    if repository.by_subject(work.session, tenant.id, command.kind, command.subject) is not None:
        raise Conflict(f"{command.subject} is a member already. Change the role instead.", code="member-exists")


def add(work: Work, tenant: TenantRow, command: MemberCreate) -> MemberRow:
    """With the tenant's row locked."""
    check_subject(work, tenant, command)
    row = MemberRow(
        id=uuid4(), tenant_id=tenant.id, kind=command.kind, subject=command.subject, role=command.role,
        expires_at=command.expires_at, version=1, created_at=work.now,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    _note(work, tenant, "member.add", row, before=None, after=_audited(row))
    return row


def remove(work: Work, tenant: TenantRow, row: MemberRow) -> None:
    """With the row locked."""
    _note(work, tenant, "member.remove", row, before=_audited(row), after=None)
    work.session.delete(row)
    work.session.flush()


def _note(
    work: Work, tenant: TenantRow, action: str, row: MemberRow, *, before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:  # fmt: skip
    work.audit(
        action, f"member/{tenant.slug}/{row.kind}/{row.subject}", tenant=tenant.id, before=before, after=after
    )  # fmt: skip


def _audited(row: MemberRow) -> dict[str, object]:
    return {"role": row.role, "expires_at": _text(row.expires_at)}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _shown(tenant: TenantRow, row: MemberRow) -> Member:
    return Member(
        id=row.id, tenant=tenant.slug, kind=MemberKind(row.kind), subject=row.subject, role=Role(row.role),
        expires_at=row.expires_at, version=row.version, created_at=row.created_at,
    )  # fmt: skip
