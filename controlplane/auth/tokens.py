"""Tokens for scripts: of the caller, for the caller."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from controlplane.auth import repository
from controlplane.auth.model import LoginToken, NewToken, Principal, Scope, Token, TokenCreate, Via
from controlplane.auth.policy import PLATFORM, Action, Resource
from controlplane.auth.repository import TokenRow
from controlplane.auth.service import TOKEN_PREFIX, AuthService, secret_hash
from controlplane.db import cursor_id, cursor_time, decode_cursor, encode_cursor
from controlplane.errors import Finding, Invalid, NotFound, Refused
from controlplane.model import Page, Paging
from controlplane.tenants import repository as tenants
from controlplane.tenants.service import visible
from controlplane.work import Work

_SHOWN_AFTER_END = timedelta(days=30)


class TokenService:
    """Nobody sees or revokes another person's tokens; disabling the account ends them all."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, command: TokenCreate) -> NewToken:
        """A token never makes one with more scopes, more tenants or a longer life than itself."""
        work = self._work
        principal = work.principal
        work.require(Action.SELF_WRITE, PLATFORM)
        tenant = visible(work, command.tenant, Action.TENANT_READ).id if command.tenant else principal.tenant_only
        scopes = sorted(set(command.scopes))
        if not principal.scopes.issuperset(scopes):
            raise Refused("A token cannot make one with more scopes than it has.", code="scopes")
        return self.issue(principal, name=command.name, scopes=scopes, tenant=tenant, expires_at=self._end(command))

    def for_password(self, command: LoginToken) -> NewToken:
        """A token for whoever shows account and password. Errors as in `AuthService.login`."""
        service = AuthService(self._work)
        principal = service.principal_of(service.check_password(command))
        self._work.caller = principal
        return self.issue(
            principal,
            name=command.name,
            scopes=tuple(Scope),
            tenant=None,
            expires_at=self._work.later(hours=command.hours),
        )

    def _end(self, command: TokenCreate) -> datetime:
        work = self._work
        settings = work.settings
        end = command.expires_at or work.later(days=settings.token_days)
        latest = work.later(days=settings.token_days_max)
        if work.principal.via is Via.TOKEN:
            own = work.session.get(TokenRow, UUID(work.principal.credential.removeprefix("token:")))
            latest = min(latest, own.expires_at) if own else work.now
            end = end if command.expires_at else min(end, latest)
        if end <= work.now:
            raise Invalid("The expiry is in the past.", findings=[Finding("body.expires_at", "is past")])
        if end > latest:
            raise Invalid(
                f"A token made here lives until {latest:%Y-%m-%d %H:%M} UTC at most.",
                findings=[Finding("body.expires_at", "is too far away")],
            )
        return end

    def issue(
        self, principal: Principal, *, name: str, scopes: Sequence[Scope], tenant: UUID | None, expires_at: datetime
    ) -> NewToken:
        """Without asking the policy: for a person who has just shown the password, or after `create` has asked."""
        work = self._work
        if principal.account_id is None:
            raise Refused("Only an account has tokens.")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = TokenRow(
            id=uuid4(), account_id=principal.account_id, name=name, secret_hash=secret_hash(secret),
            hint=secret[: len(TOKEN_PREFIX) + 4], scopes=list(scopes), tenant_id=tenant, created_at=work.now,
            expires_at=expires_at,
        )  # fmt: skip
        work.session.add(row)
        work.session.flush()
        work.audit(
            "token.create", f"account/{principal.name}/token/{row.id}",
            after={"name": name, "scopes": list(scopes), "expires_at": expires_at.isoformat()},
        )  # fmt: skip
        return NewToken(token=self._shown([row])[0], secret=secret)

    def list(self, query: Paging) -> Page[Token]:
        """The caller's own, newest first, revoked and expired ones included for 30 days."""
        work = self._work
        work.require(Action.SELF_READ, PLATFORM)
        after = None
        if query.cursor:
            moment, last = decode_cursor(query.cursor, 2)
            after = (cursor_time(moment), cursor_id(last))
        if work.principal.account_id is None:
            return Page(items=())
        rows = repository.tokens_page(
            work.session, work.principal.account_id, tenant=work.principal.tenant_only, after=after,
            ended_since=work.now - _SHOWN_AFTER_END, limit=query.limit, search=query.search,
        )  # fmt: skip
        shown = rows[: query.limit]
        more = None
        if len(rows) > query.limit:
            more = encode_cursor(shown[-1].created_at.isoformat(), str(shown[-1].id))
        return Page(items=tuple(self._shown(shown)), next=more)

    def revoke(self, token: UUID) -> None:
        """At once and for good. A second call is no error."""
        work = self._work
        row = work.session.get(TokenRow, token)
        if row is None:
            raise NotFound
        work.require(Action.TOKEN_MANAGE, Resource(tenant=row.tenant_id, owner=row.account_id))
        if row.revoked_at is None:
            row.revoked_at = work.now
            work.audit("token.revoke", f"account/{work.principal.name}/token/{row.id}")

    def _shown(self, rows: Sequence[TokenRow]) -> tuple[Token, ...]:
        slugs = {t.id: t.slug for t in tenants.by_ids(self._work.session, {r.tenant_id for r in rows if r.tenant_id})}
        return tuple(
            Token(
                id=row.id, name=row.name, hint=row.hint, scopes=tuple(Scope(s) for s in row.scopes),
                tenant=slugs.get(row.tenant_id) if row.tenant_id else None, created_at=row.created_at,
                expires_at=row.expires_at, last_used_at=row.used_at, revoked_at=row.revoked_at,
            )
            for row in rows
        )  # fmt: skip
