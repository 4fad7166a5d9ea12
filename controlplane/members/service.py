"""Who belongs to a tenant. A change acts at the next request of the person concerned."""

from __future__ import annotations

from uuid import UUID

from controlplane.members.model import Member, MemberCreate, MemberQuery, MemberUpdate
from controlplane.model import Page
from controlplane.work import Work


class MemberService:
    """Tenant admins and platform admins change members; every member sees the list."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def add(self, tenant: str, command: MemberCreate) -> Member:
        """Conflict when the subject is a member already. An account must exist; a group need not."""
        raise NotImplementedError

    def get(self, tenant: str, member: UUID) -> Member:
        raise NotImplementedError

    def list(self, tenant: str, query: MemberQuery) -> Page[Member]:
        """By subject."""
        raise NotImplementedError

    def update(self, tenant: str, member: UUID, command: MemberUpdate, version: int | None = None) -> Member:
        raise NotImplementedError

    def remove(self, tenant: str, member: UUID) -> None:
        raise NotImplementedError
