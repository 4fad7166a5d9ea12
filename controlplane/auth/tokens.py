"""Tokens for scripts: of the caller, for the caller."""

from __future__ import annotations

from uuid import UUID

from controlplane.auth.model import NewToken, Token, TokenCreate
from controlplane.model import Page, Paging
from controlplane.work import Work


class TokenService:
    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, command: TokenCreate) -> NewToken:
        """A token never makes one with more scopes, more tenants or a longer life than itself."""
        raise NotImplementedError

    def list(self, query: Paging) -> Page[Token]:
        """The caller's own, newest first, revoked and expired ones included for 30 days."""
        raise NotImplementedError

    def revoke(self, token: UUID) -> None:
        raise NotImplementedError
