"""Changes of workspaces inside one transaction, for every service that makes them. Nobody is asked for leave here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from components.names import workspace_namespace
from controlplane.errors import Conflict, Finding, Invalid, Refused
from controlplane.operations import log
from controlplane.operations.model import OperationKind
from controlplane.operations.repository import OperationRow, active_on, workspace_target
from controlplane.quotas.model import ZERO, Quota
from controlplane.quotas.text import quota_text
from controlplane.tenants.model import TenantState
from controlplane.tenants.repository import TenantRow
from controlplane.work import Work
from controlplane.workspaces import repository
from controlplane.workspaces.features import offered
from controlplane.workspaces.model import WorkspaceCreate, WorkspaceState
from controlplane.workspaces.repository import WorkspaceRow

_GOING = frozenset({WorkspaceState.DELETING, WorkspaceState.BLOCKED})


def room(work: Work, tenant: TenantRow, wanted: Quota, *, instead_of: WorkspaceRow | None = None) -> tuple[str, ...]:
    """Resources of the tenant's quota that `wanted` would exceed. The tenant's row must be locked to rely on it."""
    rows = repository.of_tenant(work.session, tenant.id)
    others = [row.quota for row in rows if instead_of is None or row.id != instead_of.id]
    return sum(others, start=ZERO + wanted).exceeds(tenant.quota)


def check_room(work: Work, tenant: TenantRow, wanted: Quota, *, instead_of: WorkspaceRow | None = None) -> None:
    """Refused with code `quota` where the tenant's quota has no room."""
    over = room(work, tenant, wanted, instead_of=instead_of)
    if over:
        raise Refused(
            f"The tenant's quota has no room for that: {', '.join(over)}. Ask for less, shrink another workspace, "
            "or request more quota for the tenant.",
            code="quota",
            findings=[Finding(f"body.quota.{name}", "exceeds what is left of the tenant's quota") for name in over],
        )


def create(
    work: Work, tenant: TenantRow, command: WorkspaceCreate, owner: UUID | None
) -> tuple[WorkspaceRow, OperationRow]:
    """With the tenant's row locked. Refused: no room; Conflict: the name is taken."""
    if repository.by_name(work.session, tenant.id, command.name) is not None:
        raise Conflict(
            f"The workspace {tenant.slug}/{command.name} exists already. Choose another name.", code="workspace-exists"
        )
    check_room(work, tenant, command.quota)
    check_features(work, command.features)
    if command.expires_at is not None:
        check_expiry(work, tenant, command.expires_at)
    days = tenant.rules.max_days
    row = WorkspaceRow(
        id=uuid4(), tenant_id=tenant.id, name=command.name, title=command.title or command.name,
        namespace=workspace_namespace(tenant.slug, command.name), state=WorkspaceState.CREATING, quota=command.quota,
        features=sorted(set(command.features)), internet=False, suspended=False, owner_id=owner,
        expires_at=command.expires_at or (work.later(days=days) if days else None), generation=1,
        observed_generation=0, conditions=[], version=1, created_at=work.now, updated_at=work.now,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    operation = log.add(work, OperationKind.WORKSPACE_CREATE, tenant=tenant, workspace=row)
    note(work, tenant, row, OperationKind.WORKSPACE_CREATE, None)
    return row, operation


def check_features(work: Work, features: Iterable[str], has: Iterable[str] = ()) -> None:
    """Invalid where a feature is not offered here. One that the workspace `has` already may stay."""
    known = [feature.name for feature in offered(work.settings.facts)]
    unknown = sorted(set(features) - set(known) - set(has))
    if unknown:
        there = f"There are: {', '.join(known)}." if known else "This installation offers no features."
        raise Invalid(
            f"There is no feature {', '.join(unknown)} here. {there}",
            code="unknown-feature",
            findings=[Finding("body.features", f"{name} is not offered here") for name in unknown],
        )


def check_expiry(work: Work, tenant: TenantRow, expires_at: datetime) -> None:
    """Refused where the wanted life is over already or longer than the tenant's rules allow."""
    if expires_at <= work.now:
        raise Refused("The expiry is in the past.", code="expiry", findings=[Finding("body.expires_at", "is past")])
    days = tenant.rules.max_days
    if days is not None and expires_at > work.later(days=days):
        raise Refused(
            f"Workspaces of this tenant live {days} days at most.",
            code="expiry",
            findings=[Finding("body.expires_at", f"is more than {days} days away")],
        )


def apply(
    work: Work, tenant: TenantRow, row: WorkspaceRow, kind: OperationKind, parent: UUID | None = None
) -> OperationRow:
    """A new generation of the row, carried out by an operation."""
    row.generation += 1
    row.touch(work.now)
    if row.state not in (WorkspaceState.CREATING, *_GOING):
        row.state = WorkspaceState.UPDATING
    work.session.flush()
    return log.add(work, kind, tenant=tenant, workspace=row, parent=parent, supersede=True)


def tenant_switched(work: Work, tenant: TenantRow, row: WorkspaceRow, kind: OperationKind, parent: UUID) -> None:
    """The tenant was suspended or resumed: the workspace follows, unless it is going away."""
    if row.state not in _GOING:
        apply(work, tenant, row, kind, parent)


def delete(work: Work, tenant: TenantRow, row: WorkspaceRow, parent: UUID | None = None) -> OperationRow:
    """One deletion per workspace: where one is under way, that one is given (and adopted by `parent`)."""
    if row.state in _GOING:
        for running in active_on(work.session, workspace_target(row.id), [OperationKind.WORKSPACE_DELETE]):
            if parent is not None:
                running.parent_id = parent
            return running
    before = audited(row)
    row.state = WorkspaceState.DELETING
    row.generation += 1
    row.touch(work.now)
    operation = log.add(
        work, OperationKind.WORKSPACE_DELETE, tenant=tenant, workspace=row, parent=parent, supersede=True
    )
    note(work, tenant, row, OperationKind.WORKSPACE_DELETE, before)
    return operation


def check_usable(tenant: TenantRow, row: WorkspaceRow) -> None:
    """Refused while the workspace goes away."""
    if row.state in _GOING or tenant.state == TenantState.DELETING:
        raise Refused("The workspace is being deleted.", code="workspace-deleting")


def audited(row: WorkspaceRow) -> dict[str, object]:
    """What the audit keeps of a workspace."""
    return {
        "title": row.title, "state": row.state, "quota": quota_text(row.quota), "features": row.features,
        "internet": row.internet, "suspended": row.suspended, "generation": row.generation,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }  # fmt: skip


def note(work: Work, tenant: TenantRow, row: WorkspaceRow, action: str, before: dict[str, object] | None) -> None:
    work.audit(action, f"workspace/{tenant.slug}/{row.name}", tenant=tenant.id, before=before, after=audited(row))
