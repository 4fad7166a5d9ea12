"""Making operations, in the transaction of the change they carry out, and showing them.

Rows are locked in one order everywhere, so that nobody waits in a circle: tenant, workspace, operation, its parent,
audit chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from controlplane.operations import repository
from controlplane.operations.model import Operation, OperationKind, OperationState, Step
from controlplane.operations.repository import OperationRow
from controlplane.tenants.repository import TenantRow
from controlplane.work import Work
from controlplane.workspaces.repository import WorkspaceRow


def lock_name(session: Session, name: str) -> None:
    """Let only one transaction at a time use this name, also where no row exists yet to lock."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def add(
    work: Work, kind: OperationKind, *, tenant: TenantRow, workspace: WorkspaceRow | None = None,
    parent: UUID | None = None, supersede: bool = False,
) -> OperationRow:  # fmt: skip
    """A queued operation, told to the queue after the commit.

    `supersede` cancels what still waits on the same target: the newer one starts from the newest state anyway.
    """
    target = repository.workspace_target(workspace.id) if workspace else repository.tenant_target(tenant.id)
    if supersede:
        for older in repository.waiting_on(work.session, target):
            end(older, work, OperationState.CANCELLED, f"A newer operation took over: {kind}.")
    row = OperationRow(
        id=uuid4(), kind=kind, target=target, state=OperationState.QUEUED, tenant_id=tenant.id,
        workspace_id=workspace.id if workspace else None, parent_id=parent, actor=work.principal.actor,
        request_id=work.origin.request_id, steps=[], attempt=0, strikes=0, message="", result={}, fence=0, version=1,
        created_at=work.now, due_at=work.now,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    work.enqueue.append(row.id)
    return row


def end(row: OperationRow, work: Work, state: OperationState, message: str) -> None:
    """Put an operation that nobody works on into a final state, and wake its parent."""
    row.state = state
    row.message = message
    row.ended_at = work.now
    row.due_at = None
    row.version += 1
    wake_parent(row, work)


def wake_parent(row: OperationRow, work: Work) -> None:
    """A parent that waits for its children looks again when one of them ends."""
    if row.parent_id is None:
        return
    parent = repository.by_id(work.session, row.parent_id, lock=True)
    if parent is not None and parent.state == OperationState.WAITING:
        parent.due_at = work.now
        work.enqueue.append(parent.id)


def shown(work: Work, rows: Sequence[OperationRow]) -> list[Operation]:
    """With the names of tenants and workspaces."""
    tenants = dict(
        work.session.execute(
            select(TenantRow.id, TenantRow.slug).where(TenantRow.id.in_({row.tenant_id for row in rows}))
        ).all()
    )
    workspaces = dict(
        work.session.execute(
            select(WorkspaceRow.id, WorkspaceRow.name).where(WorkspaceRow.id.in_({row.workspace_id for row in rows}))
        ).all()
    )
    return [
        Operation(
            id=row.id, kind=OperationKind(row.kind), state=OperationState(row.state),
            tenant=tenants.get(row.tenant_id) if row.tenant_id else None,
            workspace=workspaces.get(row.workspace_id) if row.workspace_id else None,
            parent=row.parent_id, actor=row.actor, steps=tuple(Step.model_validate(step) for step in row.steps),
            attempt=row.attempt, message=row.message, result=row.result, version=row.version,
            created_at=row.created_at, started_at=row.started_at, ended_at=row.ended_at, due_at=row.due_at,
        )
        for row in rows
    ]  # fmt: skip
