"""Drift, comparison and expiry: operations that the platform itself asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from controlplane.errors import ControlPlaneError
from controlplane.operations import log as operations
from controlplane.operations.model import OperationKind
from controlplane.operations.repository import active_on, workspace_target
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.runtime import Runtime, system
from controlplane.tenants import repository as tenants
from controlplane.workspaces import changes, repository
from controlplane.workspaces.model import WorkspaceState
from controlplane.workspaces.ports import Reconciler
from controlplane.workspaces.tasks import spec_of

log = logging.getLogger(__name__)
_STEADY = (WorkspaceState.READY, WorkspaceState.SUSPENDED)


def repair(runtime: Runtime, namespace: str) -> UUID | None:
    """Queue a repair of the workspace in this namespace. None: none of ours, or being worked on anyway."""
    with runtime.work(system("watcher")) as work:
        found = repository.by_namespace(work.session, namespace)
        if found is None:
            return None
        row, tenant = found
        operations.lock_name(work.session, f"repair:{row.id}")
        if row.state not in _STEADY or active_on(work.session, workspace_target(row.id)):
            return None
        return operations.add(work, OperationKind.WORKSPACE_REPAIR, tenant=tenant, workspace=row).id


def steady(runtime: Runtime) -> list[WorkspaceSpec]:
    """Specs of every workspace that should be quiet now."""
    with runtime.work(system("watcher")) as work:
        rows = repository.in_states(work.session, _STEADY)
        owners = {t.id: t for t in tenants.by_ids(work.session, {row.tenant_id for row in rows})}
        return [spec_of(owners[row.tenant_id], row) for row in rows]


def resync(runtime: Runtime, reconciler: Reconciler, stopped: Callable[[], bool]) -> int:
    """Compare all with the cluster; gives how many repairs were queued. One that cannot be read is left for later."""
    queued = 0
    for spec in reconciler.suspects(steady(runtime), stopped):
        if stopped():
            break
        try:
            observed = reconciler.observe(spec)
            if (observed.drift or not observed.ready) and repair(runtime, spec.namespace) is not None:
                queued += 1
        except ControlPlaneError as error:
            log.warning("not compared", extra={"namespace": spec.namespace, "cause": str(error)})
    return queued


def expire_workspaces(runtime: Runtime) -> int:
    """Suspend what is past its expiry; data stays. Gives their number."""
    with runtime.work(system("watcher")) as work:
        due = [(row.tenant_id, row.id) for row in repository.expired(work.session, work.now)]
    for tenant_id, workspace_id in due:
        with runtime.work(system("watcher")) as work:
            tenant = tenants.by_id(work.session, tenant_id, lock=True)
            row = repository.by_id(work.session, workspace_id, lock=True)
            if tenant is None or row is None or row.suspended or row.expires_at is None or row.expires_at > work.now:
                continue
            before = changes.audited(row)
            row.suspended = True
            changes.apply(work, tenant, row, OperationKind.WORKSPACE_SUSPEND)
            changes.note(work, tenant, row, "workspace.expired", before)
    return len(due)
