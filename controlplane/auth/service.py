"""Signing in and out, and finding out who calls."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from components.names import Role
from controlplane.auth import passwords, repository
from controlplane.auth.csrf import csrf_token
from controlplane.auth.model import Login, Me, NewSession, PasswordChange, Principal, Scope, TenantRole, Via
from controlplane.auth.policy import PLATFORM, Action
from controlplane.auth.repository import AccountRow, SessionRow
from controlplane.errors import Finding, Invalid, Refused, TooMany, Unauthenticated
from controlplane.members import repository as members
from controlplane.tenants import repository as tenants
from controlplane.work import Work

TOKEN_PREFIX = "mlp_"  # noqa: S105
FAILURES_PER_ACCOUNT = 8
FAILURES_PER_ADDRESS = 40
FORGET_AFTER = timedelta(minutes=15)
LONGEST_BLOCK = timedelta(minutes=5)
_MARK_EVERY = timedelta(seconds=60)
_WRONG = "Account or password is wrong."


def secret_hash(secret: str) -> bytes:
    """What is stored of a random secret. It needs no salt: nobody guesses 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class AuthService:
    """Made with a Work of nobody (caller None) for `login`, `by_session` and `by_token`."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def login(self, command: Login) -> NewSession:
        """A new session. Unauthenticated with one constant message for every wrong pair, known account or not;
        TooMany when account or address failed too often."""
        row = self.check_password(command)
        work = self._work
        secret = secrets.token_urlsafe(32)
        hashed = secret_hash(secret)
        expires_at = work.later(hours=work.settings.session_hours)
        work.session.add(
            SessionRow(
                secret_hash=hashed, account_id=row.id, created_at=work.now, seen_at=work.now, expires_at=expires_at,
                address=work.origin.address,
            )
        )  # fmt: skip
        work.caller = self._principal(row, Via.SESSION, f"session:{hashed.hex()[:16]}", session_hash=hashed)
        work.audit("session.start", f"account/{row.name}")
        work.session.flush()
        return NewSession(secret=secret, csrf=csrf_token(secret), expires_at=expires_at, principal=work.caller)

    def check_password(self, command: Login) -> AccountRow:
        """The account of a right pair; errors as in `login`.

        Tries on one account or from one address wait for each other, so that many at once are counted too.
        """
        work = self._work
        name = command.account.strip().lower()
        keys = {f"account:{name}": FAILURES_PER_ACCOUNT, f"address:{work.origin.address}": FAILURES_PER_ADDRESS}
        for key in keys:
            self._check_block(key)
        counts = {
            key: repository.count_failure(work.session, key, work.now, work.now - FORGET_AFTER) for key in sorted(keys)
        }
        for key in keys:
            self._check_block(key)
        row = repository.account_by_name(work.session, name)
        right = passwords.matches(row.password_hash if row else None, command.password)
        if row is None or not right or row.disabled:
            for key, limit in keys.items():
                if counts[key] >= limit:
                    seconds = min(2 ** min(counts[key] - limit, 20) * 5, int(LONGEST_BLOCK.total_seconds()))
                    repository.block(work.session, key, work.later(seconds=seconds))
                    if counts[key] == limit:
                        work.audit("session.blocked", key, outcome="refused")
            raise Unauthenticated(_WRONG, commit=True)
        # An address keeps its count: one right pair must not pay for guessing others.
        repository.forget_failures(work.session, f"account:{name}")
        repository.uncount(work.session, f"address:{work.origin.address}")
        if passwords.outdated(row.password_hash):
            row.password_hash = passwords.hash_password(command.password)
        row.last_login_at = work.now
        return row

    def _check_block(self, key: str) -> None:
        failure = repository.failure(self._work.session, key)
        if failure is not None and failure.blocked_until is not None and failure.blocked_until > self._work.now:
            left = int((failure.blocked_until - self._work.now).total_seconds()) + 1
            raise TooMany(f"Too many failed sign-ins. Try again in {left} s.", retry_after=left)

    def logout(self, secret: str) -> None:
        """Kills the session on the server; an unknown secret is no error."""
        account = repository.end_session(self._work.session, secret_hash(secret))
        if account is not None:
            row = repository.account_by_id(self._work.session, account)
            self._work.audit("session.end", f"account/{row.name if row else account}")

    def by_session(self, secret: str) -> Principal | None:
        """None: unknown, expired, idle too long, or the account is disabled."""
        work = self._work
        hashed = secret_hash(secret)
        found = repository.session_by_hash(work.session, hashed)
        if found is None:
            return None
        session, row = found
        idle = timedelta(minutes=work.settings.session_idle_minutes)
        if row.disabled or session.expires_at <= work.now or session.seen_at + idle <= work.now:
            return None
        if session.seen_at + _MARK_EVERY <= work.now:
            repository.mark_seen(work.session, hashed, work.now)
        return self._principal(row, Via.SESSION, f"session:{hashed.hex()[:16]}", session_hash=hashed)

    def by_token(self, secret: str) -> Principal | None:
        """None: unknown, expired, revoked, or the account is disabled."""
        work = self._work
        if not secret.startswith(TOKEN_PREFIX):
            return None
        found = repository.token_by_hash(work.session, secret_hash(secret))
        if found is None:
            return None
        token, row = found
        if row.disabled or token.revoked_at is not None or token.expires_at <= work.now:
            return None
        if token.used_at is None or token.used_at + _MARK_EVERY <= work.now:
            repository.mark_used(work.session, token.id, work.now)
        return self._principal(
            row, Via.TOKEN, f"token:{token.id}", scopes=frozenset(Scope(s) for s in token.scopes), only=token.tenant_id
        )

    def principal_of(self, row: AccountRow) -> Principal:
        """Of an account without a session or token at hand: it has just shown its password, or the platform itself asks
        about it."""
        return self._principal(row, Via.SESSION, "password")

    def _principal(
        self, row: AccountRow, via: Via, credential: str, *, session_hash: bytes = b"",
        scopes: frozenset[Scope] = frozenset(Scope), only: UUID | None = None,
    ) -> Principal:  # fmt: skip
        roles: dict[UUID, Role] = members.roles_of(self._work.session, row.name, row.groups, self._work.now)
        return Principal(
            name=row.name, via=via, account_id=row.id, platform_admin=row.platform_admin,
            roles={tenant: role for tenant, role in roles.items() if only in (None, tenant)},
            scopes=scopes, tenant_only=only, session_hash=session_hash, credential=credential,
        )  # fmt: skip

    def me(self) -> Me:
        """The caller and the tenants they belong to."""
        work = self._work
        principal = work.principal
        row = repository.account_by_id(work.session, principal.account_id) if principal.account_id else None
        rows = sorted(tenants.by_ids(work.session, set(principal.roles)), key=lambda t: t.slug)
        return Me(
            account=principal.name, title=row.title if row else principal.name,
            platform_admin=principal.platform_admin, via=principal.via, scopes=tuple(sorted(principal.scopes)),
            tenants=tuple(
                TenantRole(tenant=t.slug, title=t.title, role=principal.roles[t.id], state=t.state) for t in rows
            ),
        )  # fmt: skip

    def change_password(self, command: PasswordChange) -> None:
        """Kills every other session of the account. Wrong `current` counts as a failed sign-in."""
        work = self._work
        work.require(Action.SELF_WRITE, PLATFORM)
        if work.principal.via is not Via.SESSION:
            raise Refused("A password is changed in a session, not with a token. Sign in with account and password.")
        row = self.check_password(Login(account=work.principal.name, password=command.current))
        if command.new == command.current:
            raise Invalid("The new password is the old one.", findings=[Finding("body.new", "is the current password")])
        row.password_hash = passwords.hash_password(command.new)
        row.version += 1
        repository.end_sessions(work.session, row.id, keep=work.principal.session_hash)
        work.audit("account.password", f"account/{row.name}")
