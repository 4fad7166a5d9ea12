"""What can be done with workspaces."""

from __future__ import annotations

from controlplane.model import Page
from controlplane.work import Work
from controlplane.workspaces.model import Change, Workspace, WorkspaceCreate, WorkspaceQuery, WorkspaceUpdate


class WorkspaceService:
    """Tenant admins change workspaces directly; members ask by a request (`RequestService`)."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, tenant: str, command: WorkspaceCreate) -> Change:
        """Refused (code `quota`) when the tenant's quota has no room; Conflict when the name is taken."""
        raise NotImplementedError

    def get(self, tenant: str, name: str) -> Workspace:
        raise NotImplementedError

    def list(self, tenant: str, query: WorkspaceQuery) -> Page[Workspace]:
        """By name."""
        raise NotImplementedError

    def mine(self, query: WorkspaceQuery) -> Page[Workspace]:
        """Workspaces of every tenant the caller is a member of (a platform admin: of all), by namespace."""
        raise NotImplementedError

    def update(self, tenant: str, name: str, command: WorkspaceUpdate, version: int | None = None) -> Change:
        raise NotImplementedError

    def suspend(self, tenant: str, name: str) -> Change:
        """Pods are stopped and none start; data stays."""
        raise NotImplementedError

    def resume(self, tenant: str, name: str) -> Change:
        raise NotImplementedError

    def delete(self, tenant: str, name: str) -> Change:
        """With its data. A second call gives the same operation."""
        raise NotImplementedError
