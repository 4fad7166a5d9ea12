"""What can be done with tenants. Every method asks the policy first; absent and forbidden look the same."""

from __future__ import annotations

from controlplane.model import Page
from controlplane.operations.model import Operation
from controlplane.tenants.model import Tenant, TenantCreate, TenantQuery, TenantUpdate
from controlplane.work import Work


class TenantService:
    """Platform admins create, change quota and rules, suspend, resume, delete; tenant admins change the title."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, command: TenantCreate) -> Tenant:
        """Ready at once: a tenant has no objects in the cluster before its first workspace. Conflict: slug taken."""
        raise NotImplementedError

    def get(self, slug: str) -> Tenant:
        """NotFound also for a tenant the caller is no member of."""
        raise NotImplementedError

    def list(self, query: TenantQuery) -> Page[Tenant]:
        """By slug; a platform admin sees all, others their own."""
        raise NotImplementedError

    def update(self, slug: str, command: TenantUpdate, version: int | None = None) -> Tenant:
        """Stale when `version` is given and old. Invalid when the quota would be below what is allocated."""
        raise NotImplementedError

    def suspend(self, slug: str) -> Operation:
        """Stops every workspace; people and pods of the tenant are let through nowhere until `resume`."""
        raise NotImplementedError

    def resume(self, slug: str) -> Operation:
        raise NotImplementedError

    def delete(self, slug: str) -> Operation:
        """Deletes every workspace with its data, then the tenant. A second call gives the same operation."""
        raise NotImplementedError
