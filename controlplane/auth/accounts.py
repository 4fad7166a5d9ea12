"""Local accounts, for platform admins only."""

from __future__ import annotations

from controlplane.auth.model import Account, AccountCreate, AccountQuery, AccountUpdate
from controlplane.model import Page
from controlplane.work import Work


class AccountService:
    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, command: AccountCreate) -> Account:
        raise NotImplementedError

    def get(self, name: str) -> Account:
        raise NotImplementedError

    def list(self, query: AccountQuery) -> Page[Account]:
        raise NotImplementedError

    def update(self, name: str, command: AccountUpdate, version: int | None = None) -> Account:
        """A new password or `disabled` kills the account's sessions. The last platform admin stays one."""
        raise NotImplementedError
