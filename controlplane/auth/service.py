"""Signing in and out, and finding out who calls."""

from __future__ import annotations

from controlplane.auth.model import Login, Me, NewSession, PasswordChange, Principal
from controlplane.work import Work


class AuthService:
    """Made with a Work of the anonymous principal for `login`, `by_session` and `by_token`."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def login(self, command: Login) -> NewSession:
        """A new session. Unauthenticated with one constant message for every wrong pair, known account or not;
        TooMany when account or address failed too often."""
        raise NotImplementedError

    def logout(self, secret: str) -> None:
        """Kills the session on the server; an unknown secret is no error."""
        raise NotImplementedError

    def by_session(self, secret: str) -> Principal | None:
        """None: unknown, expired, idle too long, or the account is disabled."""
        raise NotImplementedError

    def by_token(self, secret: str) -> Principal | None:
        """None: unknown, expired, revoked, or the account is disabled."""
        raise NotImplementedError

    def me(self) -> Me:
        raise NotImplementedError

    def change_password(self, command: PasswordChange) -> None:
        """Kills every other session of the account."""
        raise NotImplementedError
