"""Answers the gateway: who calls, in which groups, or why not."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from controlplane.auth.model import Principal
from controlplane.auth.service import secret_hash
from controlplane.gate import kubernetes
from controlplane.gate.kubernetes import Impersonation
from controlplane.gate.model import WORKSPACE_PREFIX, Identity, Refusal, namespace_of, of_person, of_service_account
from controlplane.gate.ports import Reviewed, TokenReviewer
from controlplane.tenants import repository as tenants
from controlplane.tenants.model import TenantState
from controlplane.work import Work
from controlplane.workspaces import repository as workspaces
from controlplane.workspaces.model import WorkspaceState

_GOING = (WorkspaceState.DELETING, WorkspaceState.BLOCKED, WorkspaceState.DELETED)


class CachedReviewer:
    """Remembers tokens that were good for `seconds` (10 at most: a deleted pod's token dies that soon)."""

    def __init__(
        self, reviewer: TokenReviewer, *, seconds: float = 8.0, size: int = 5000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._reviewer = reviewer
        self._seconds = min(seconds, 10.0)
        self._size = size
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Reviewed]] = OrderedDict()
        self._lock = threading.Lock()

    def review(self, token: str) -> Reviewed | None:
        key = secret_hash(token)
        with self._lock:
            found = self._known.get(key)
            if found is not None and found[0] > self._clock():
                return found[1]
        reviewed = self._reviewer.review(token)
        with self._lock:
            self._known.pop(key, None)
            if reviewed is not None:
                self._known[key] = (self._clock() + self._seconds, reviewed)
                while len(self._known) > self._size:
                    self._known.popitem(last=False)
        return reviewed


class GateService:
    def __init__(self, work: Work, reviewer: TokenReviewer | None) -> None:
        self._work = work
        self._reviewer = reviewer

    def person(self, principal: Principal, workspace: str | None) -> Identity | Refusal:
        """`workspace`: the namespace that the call names. One that is no workspace of ours is left to RBAC."""
        active = active_tenants(self._work, principal)
        if workspace is not None and workspaces.by_namespace(self._work.session, workspace) is not None:
            refusal = self.closed(workspace)
            if refusal is not None:
                return refusal
        return of_person(principal, active)

    def person_at_kubernetes(self, principal: Principal, uri: str) -> Impersonation | Refusal:
        """`uri`: path and query as the person sent them."""
        path = kubernetes.parts(uri)
        if path is None:
            return Refusal(403, "path")
        namespace = kubernetes.namespace_in(path)
        found = workspaces.by_namespace(self._work.session, namespace) if namespace else None
        tenant = found[1].id if found else None
        # Others learn nothing about a workspace that is not theirs, not even that it is suspended: RBAC refuses them.
        if namespace is not None and tenant in principal.roles:
            refusal = self.closed(namespace)
            if refusal is not None:
                return refusal
        rows = tenants.by_ids(self._work.session, set(principal.roles))
        active = {row.id: row.slug for row in rows if row.state == TenantState.ACTIVE}
        return kubernetes.of_person(principal, active, tenant, namespaced=namespace is not None)

    def pod(self, token: str) -> Identity | Refusal:
        """Only service accounts of workspaces in use are let through. Raises Temporary when nobody can tell."""
        if self._reviewer is None:
            return Refusal(401, "unknown-token")
        reviewed = self._reviewer.review(token)
        if reviewed is None:
            return Refusal(401, "unknown-token")
        namespace = namespace_of(reviewed.user)
        if namespace is None or not namespace.startswith(WORKSPACE_PREFIX):
            return Refusal(403, "not-a-workspace")
        refusal = self.closed(namespace)
        if refusal is not None:
            return refusal
        return of_service_account(reviewed.user, reviewed.groups)

    def closed(self, namespace: str) -> Refusal | None:
        """Why nothing reaches that namespace; None: it is a workspace in use."""
        found = workspaces.by_namespace(self._work.session, namespace)
        if found is None:
            return Refusal(403, "not-a-workspace")
        row, tenant = found
        if tenant.state != TenantState.ACTIVE:
            return Refusal(403, "tenant-suspended")
        if row.suspended:
            return Refusal(403, "workspace-suspended")
        return Refusal(403, "workspace-deleting") if row.state in _GOING else None


def active_tenants(work: Work, principal: Principal) -> dict[UUID, str]:
    """Slugs of the person's tenants that are not suspended."""
    rows = tenants.by_ids(work.session, set(principal.roles))
    return {row.id: row.slug for row in rows if row.state == TenantState.ACTIVE}
