"""What operations on a workspace do: load the spec, reconcile, write what was observed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from controlplane.operations.model import OperationKind, OperationState
from controlplane.operations.repository import OperationRow
from controlplane.operations.runner import Outcome, Run
from controlplane.reconcile.model import Condition, ConditionType, Observation, WorkspaceSpec
from controlplane.tenants import repository as tenants
from controlplane.tenants.model import TenantState
from controlplane.tenants.objects import TenantObjects
from controlplane.tenants.people import People
from controlplane.tenants.repository import TenantRow
from controlplane.work import Work
from controlplane.workspaces import repository
from controlplane.workspaces.changes import audited
from controlplane.workspaces.model import WorkspaceState
from controlplane.workspaces.ports import Reconciler
from controlplane.workspaces.repository import WorkspaceRow
from controlplane.workspaces.service import settled

KINDS = tuple(kind for kind in OperationKind if kind.startswith("workspace."))
GOING = frozenset({WorkspaceState.DELETING, WorkspaceState.BLOCKED})


@dataclass(frozen=True)
class Loaded:
    """The spec as it was when the run began, and what the record says is going on. Spec None: the record is over."""

    spec: WorkspaceSpec | None
    going: bool
    tenant: UUID | None = None


def spec_of(tenant: TenantRow, row: WorkspaceRow) -> WorkspaceSpec:
    """What the cluster should hold for this record."""
    return WorkspaceSpec(
        tenant=tenant.slug, name=row.name, namespace=row.namespace, uid=str(row.id), generation=row.generation,
        quota=row.quota, suspended=row.suspended or tenant.state == TenantState.SUSPENDED, internet=row.internet,
        features=frozenset(row.features),
    )  # fmt: skip


class WorkspaceHandler:
    """Level-triggered: whatever the kind says, a run makes the cluster as the record is now."""

    def __init__(
        self, reconciler: Reconciler, people: People | None = None, queues: TenantObjects | None = None
    ) -> None:
        """`people`, `queues`: so that the tenant's people reach the API server, and the workspace has its queue, by the
        time that it is ready."""
        self._reconciler = reconciler
        self._people = people
        self._queues = queues

    def load(self, work: Work, row: OperationRow) -> Loaded:
        workspace = repository.by_id(work.session, row.workspace_id) if row.workspace_id else None
        tenant = tenants.by_id(work.session, row.tenant_id) if row.tenant_id else None
        if workspace is None or tenant is None or workspace.state == WorkspaceState.DELETED:
            return Loaded(None, going=True)
        return Loaded(spec_of(tenant, workspace), workspace.state in GOING, tenant.id)

    def run(self, run: Run) -> Outcome:
        loaded: Loaded = run.loaded
        deletes = run.kind is OperationKind.WORKSPACE_DELETE
        if loaded.spec is None or (loaded.going and not deletes):
            state = OperationState.SUCCEEDED if deletes else OperationState.CANCELLED
            return Outcome(state, "" if deletes else "The workspace is gone or going.")
        if run.kind is OperationKind.WORKSPACE_CREATE and self._people is not None:
            self._people.keep()
        if deletes:
            observed = self._reconciler.delete(loaded.spec, run.report)
        else:
            observed = self._reconciler.apply(loaded.spec, run.report)
            if self._queues is not None and loaded.tenant is not None:
                self._queues.ensure(loaded.tenant, loaded.spec.namespace)
        result: dict[str, Any] = {"writes": observed.writes, "requests": observed.requests}
        if observed.drift:
            result["drift"] = [
                {"object": d.object, "manager": d.manager, "fields": list(d.fields)} for d in observed.drift[:50]
            ]
        if observed.retry:
            return Outcome(OperationState.WAITING, _why(observed), result, observed)
        return Outcome(OperationState.SUCCEEDED, "", result, observed)

    def settle(self, work: Work, run: Run, outcome: Outcome) -> None:
        spec = run.loaded.spec
        if spec is None:
            return
        row = repository.by_id(work.session, UUID(spec.uid), lock=True)
        tenant = tenants.by_id(work.session, row.tenant_id) if row else None
        if row is None or tenant is None:
            return
        observed = outcome.detail if isinstance(outcome.detail, Observation) else None
        if observed is not None:
            row.conditions = merged(row.conditions, observed.conditions, work.now)
            self._note_drift(work, tenant, row, observed)
        row.updated_at = work.now
        if run.kind is OperationKind.WORKSPACE_DELETE:
            self._settle_delete(work, tenant, row, outcome, observed)
        elif row.state not in GOING and row.generation == spec.generation:
            if outcome.state == OperationState.SUCCEEDED:
                row.observed_generation = spec.generation
                row.state = settled(tenant, row)
            elif outcome.state in (OperationState.FAILED, OperationState.PARKED):
                row.state = WorkspaceState.FAILED

    def _settle_delete(
        self, work: Work, tenant: TenantRow, row: WorkspaceRow, outcome: Outcome, observed: Observation | None
    ) -> None:
        if outcome.state == OperationState.SUCCEEDED:
            before = audited(row)
            row.state = WorkspaceState.DELETED
            work.audit(
                "workspace.deleted", f"workspace/{tenant.slug}/{row.name}", tenant=tenant.id, before=before,
                after=audited(row),
            )  # fmt: skip
        elif outcome.state == OperationState.WAITING and observed is not None:
            blocked = any(c.type is ConditionType.DELETION_BLOCKED and c.status for c in observed.conditions)
            row.state = WorkspaceState.BLOCKED if blocked else WorkspaceState.DELETING

    def _note_drift(self, work: Work, tenant: TenantRow, row: WorkspaceRow, observed: Observation) -> None:
        for drift in observed.drift[:20]:
            work.audit(
                "workspace.drift", f"workspace/{tenant.slug}/{row.name}", tenant=tenant.id,
                before={"object": drift.object, "manager": drift.manager, "fields": list(drift.fields)[:20]},
                after={"repaired": observed.writes > 0},
            )  # fmt: skip


def merged(known: list[dict[str, Any]], found: Iterable[Condition], now: datetime) -> list[dict[str, Any]]:
    """The found conditions; one whose status and reason stayed keeps its time."""
    since = {(c["type"], c["status"], c["reason"]): c["since"] for c in known}
    return [
        {
            "type": c.type.value, "status": c.status, "reason": c.reason, "message": c.message,
            "since": since.get((c.type.value, c.status, c.reason), now.isoformat()),
        }
        for c in found
    ]  # fmt: skip


def _why(observed: Observation) -> str:
    """The message of the condition that keeps it from being done."""
    for condition in observed.conditions:
        if condition.type is ConditionType.DELETION_BLOCKED and condition.status:
            return condition.message or condition.reason
    for condition in observed.conditions:
        bad = not condition.status and condition.type not in (ConditionType.SUSPENDED, ConditionType.DELETION_BLOCKED)
        if bad and condition.type is not ConditionType.READY:
            return condition.message or condition.reason
    return "Not ready yet."
