"""REST of workspaces."""

from __future__ import annotations

from controlplane.http.endpoint import Api
from controlplane.model import Page, Slug
from controlplane.work import Work
from controlplane.workspaces.kubeconfig import Kubeconfig
from controlplane.workspaces.model import (
    Change,
    OfferedFeature,
    Workspace,
    WorkspaceCreate,
    WorkspaceQuery,
    WorkspaceUpdate,
)
from controlplane.workspaces.service import WorkspaceService

api = Api("workspaces")
_ONE = "/tenants/{tenant}/workspaces/{workspace}"


@api.get("/features")
def list_features(work: Work) -> Page[OfferedFeature]:
    """What workspaces can have here beside what every one has."""
    return WorkspaceService(work).features()


@api.get("/workspaces")
def list_my_workspaces(work: Work, query: WorkspaceQuery) -> Page[Workspace]:
    """Workspaces of all tenants you belong to."""
    return WorkspaceService(work).mine(query)


@api.post("/tenants/{tenant}/workspaces", status=202)
def create_workspace(work: Work, tenant: Slug, body: WorkspaceCreate) -> Change:
    """Create a workspace. Tenant admins only; members send a request."""
    return WorkspaceService(work).create(tenant, body)


@api.get("/tenants/{tenant}/workspaces")
def list_workspaces(work: Work, tenant: Slug, query: WorkspaceQuery) -> Page[Workspace]:
    """Workspaces of a tenant, by name."""
    return WorkspaceService(work).list(tenant, query)


@api.get(_ONE)
def get_workspace(work: Work, tenant: Slug, workspace: Slug) -> Workspace:
    """One workspace with its conditions."""
    return WorkspaceService(work).get(tenant, workspace)


@api.get(_ONE + "/kubeconfig")
def get_kubeconfig(work: Work, tenant: Slug, workspace: Slug) -> Kubeconfig:
    """A kubeconfig for kubectl and Kubernetes SDKs. It holds no token: a command of the platform gives that."""
    return WorkspaceService(work).kubeconfig(tenant, workspace)


@api.patch(_ONE, status=202)
def update_workspace(
    work: Work, tenant: Slug, workspace: Slug, body: WorkspaceUpdate, version: int | None
) -> Change:  # fmt: skip
    """Change title, quota, features or expiry. What is left out stays."""
    return WorkspaceService(work).update(tenant, workspace, body, version)


@api.post(_ONE + "/suspend", status=202)
def suspend_workspace(work: Work, tenant: Slug, workspace: Slug) -> Change:
    """Stop what runs; data stays."""
    return WorkspaceService(work).suspend(tenant, workspace)


@api.post(_ONE + "/resume", status=202)
def resume_workspace(work: Work, tenant: Slug, workspace: Slug) -> Change:
    """Undo a suspension."""
    return WorkspaceService(work).resume(tenant, workspace)


@api.delete(_ONE, status=202)
def delete_workspace(work: Work, tenant: Slug, workspace: Slug) -> Change:
    """Delete a workspace with its data."""
    return WorkspaceService(work).delete(tenant, workspace)
