"""REST of tenants."""

from __future__ import annotations

from controlplane.http.endpoint import Api
from controlplane.model import Page, Slug
from controlplane.operations.model import Operation
from controlplane.tenants.model import Tenant, TenantCreate, TenantQuery, TenantUpdate
from controlplane.tenants.service import TenantService
from controlplane.work import Work

api = Api("tenants")


@api.post("/tenants", status=201)
def create_tenant(work: Work, body: TenantCreate) -> Tenant:
    """Create a tenant. It is ready at once."""
    return TenantService(work).create(body)


@api.get("/tenants")
def list_tenants(work: Work, query: TenantQuery) -> Page[Tenant]:
    """Tenants you belong to; platform admins see all."""
    return TenantService(work).list(query)


@api.get("/tenants/{tenant}")
def get_tenant(work: Work, tenant: Slug) -> Tenant:
    """One tenant with its quota and what of it is allocated."""
    return TenantService(work).get(tenant)


@api.patch("/tenants/{tenant}")
def update_tenant(work: Work, tenant: Slug, body: TenantUpdate, version: int | None) -> Tenant:
    """Change title, quota or rules. What is left out stays."""
    return TenantService(work).update(tenant, body, version)


@api.post("/tenants/{tenant}/suspend", status=202)
def suspend_tenant(work: Work, tenant: Slug) -> Operation:
    """Stop every workspace of a tenant and let nobody of it through."""
    return TenantService(work).suspend(tenant)


@api.post("/tenants/{tenant}/resume", status=202)
def resume_tenant(work: Work, tenant: Slug) -> Operation:
    """Undo a suspension."""
    return TenantService(work).resume(tenant)


@api.delete("/tenants/{tenant}", status=202)
def delete_tenant(work: Work, tenant: Slug) -> Operation:
    """Delete a tenant with all its workspaces and their data."""
    return TenantService(work).delete(tenant)
