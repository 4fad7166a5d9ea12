"""Keeps the tenants' objects in the cluster, such as queues, in step with the tenants and workspaces there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol
from uuid import UUID

from components.contract import Tenant, Workspace
from controlplane.runtime import Runtime, system
from controlplane.tenants import repository
from controlplane.tenants.model import TenantState
from controlplane.tenants.repository import TenantRow
from controlplane.workspaces import repository as workspaces
from controlplane.workspaces.model import WorkspaceState
from controlplane.workspaces.repository import WorkspaceRow

_STAYS = tuple(set(WorkspaceState) - {WorkspaceState.DELETING, WorkspaceState.BLOCKED, WorkspaceState.DELETED})
"""Workspaces whose namespace is there or soon will be."""


class TenantReconciler(Protocol):
    """`controlplane.reconcile.tenants` has the real one."""

    def ensure(self, tenant: Tenant, namespace: str) -> int: ...

    def compare(self, load: Callable[[], Iterable[Tenant]]) -> int: ...


class TenantObjects:
    """Best effort at a workspace's making; the watcher's comparison every few seconds is what can be relied on."""

    def __init__(self, runtime: Runtime, reconciler: TenantReconciler) -> None:
        self._runtime = runtime
        self._reconciler = reconciler

    def ensure(self, tenant: UUID, namespace: str) -> int:
        """What a workspace that is being made needs at once; gives the number of writes."""
        with self._runtime.work(system("worker")) as work:
            row = repository.by_id(work.session, tenant)
            found = as_component_sees(row, workspaces.of_tenant(work.session, tenant)) if row else None
        return self._reconciler.ensure(found, namespace) if found else 0

    def compare(self) -> int:
        """All of them; gives the number of writes."""
        return self._reconciler.compare(self._load)

    def _load(self) -> list[Tenant]:
        with self._runtime.work(system("watcher")) as work:
            of_tenant: dict[UUID, list[WorkspaceRow]] = defaultdict(list)
            for row in workspaces.in_states(work.session, _STAYS):
                of_tenant[row.tenant_id].append(row)
            tenants = repository.everyone(work.session)
            return [as_component_sees(row, of_tenant[row.id]) for row in tenants if of_tenant[row.id]]


def as_component_sees(row: TenantRow, below: Sequence[WorkspaceRow]) -> Tenant:
    """A tenant and its workspaces as components know them."""
    suspended = row.state != TenantState.ACTIVE
    return Tenant(
        slug=row.slug, cpu=row.quota.cpu, memory=row.quota.memory, gpus=dict(row.quota.gpus), suspended=suspended,
        workspaces=tuple(
            Workspace(row.slug, each.name, each.namespace, frozenset(each.features), suspended or each.suspended)
            for each in below
        ),
    )  # fmt: skip
