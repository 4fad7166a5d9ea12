"""The operations table: who claims what, and every write guarded by the fence.

One operation runs per target at a time: a partial unique index holds it even where code errs. A fence is a number
that grows with every claim; a worker whose lease went to another finds its own fence outdated and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from controlplane.db import Base, contains
from controlplane.operations.model import ACTIVE, OperationKind, OperationState


class OperationRow(Base):
    __tablename__ = "operations"
    __table_args__ = (
        Index("uq_operations_running_target", "target", unique=True, postgresql_where=text("state = 'running'")),
        Index(
            "ix_operations_due", "due_at", postgresql_where=text("state IN ('queued', 'waiting')")
        ),
        Index("ix_operations_target", "target", "created_at"),
        Index("ix_operations_tenant", "tenant_id", "created_at"),
        Index("ix_operations_created", "created_at", "id"),
        Index("ix_operations_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    target: Mapped[str]
    """`workspace:<id>` or `tenant:<id>`: what must not be worked on twice at once."""
    state: Mapped[str]
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("operations.id"))
    actor: Mapped[str]
    request_id: Mapped[str] = mapped_column(default="")
    steps: Mapped[list[dict[str, Any]]]
    attempt: Mapped[int] = mapped_column(default=0)
    """Claims since it was made or retried."""
    strikes: Mapped[int] = mapped_column(default=0)
    """Claims in a row that ended in a crash or an unknown error."""
    message: Mapped[str] = mapped_column(default="")
    result: Mapped[dict[str, Any]]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]


def workspace_target(workspace: UUID) -> str:
    return f"workspace:{workspace}"


def tenant_target(tenant: UUID) -> str:
    return f"tenant:{tenant}"


def by_id(session: Session, operation: UUID, *, lock: bool = False) -> OperationRow | None:
    query = select(OperationRow).where(OperationRow.id == operation)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def claim(session: Session, operation: UUID, owner: str, now: datetime, lease: timedelta) -> OperationRow | None:
    """Take it, with a new fence. None: not due, done, or its target is being worked on by a living lease.

    An expired lease of another operation on the same target is ended first, so that it cannot block forever.
    """
    row = by_id(session, operation, lock=True)
    if row is None:
        return None
    free = (
        row.state in (OperationState.QUEUED, OperationState.WAITING) and (row.due_at is None or row.due_at <= now)
    ) or (row.state == OperationState.RUNNING and row.lease_until is not None and row.lease_until <= now)
    if not free:
        return None
    session.execute(
        update(OperationRow)
        .where(OperationRow.target == row.target, OperationRow.id != row.id)
        .where(OperationRow.state == OperationState.RUNNING, OperationRow.lease_until <= now)
        .values(state=OperationState.QUEUED, lease_owner=None, lease_until=None, due_at=now)
    )
    other = aliased(OperationRow)
    busy = session.scalar(
        select(func.count())
        .select_from(other)
        .where(other.target == row.target, other.id != row.id, other.state == OperationState.RUNNING)
    )
    if busy:
        return None
    row.state = OperationState.RUNNING
    row.lease_owner = owner
    row.lease_until = now + lease
    row.fence += 1
    row.attempt += 1
    row.strikes += 1
    row.version += 1
    row.started_at = row.started_at or now
    row.due_at = None
    return row


def held(session: Session, operation: UUID, fence: int) -> OperationRow | None:
    """The locked row when this fence still holds it; None when the lease went to another."""
    row = by_id(session, operation, lock=True)
    if row is None or row.fence != fence or row.state != OperationState.RUNNING:
        return None
    return row


def extend(session: Session, operation: UUID, fence: int, until: datetime) -> bool:
    """A heartbeat. False: no longer ours."""
    done = session.execute(
        update(OperationRow)
        .where(OperationRow.id == operation, OperationRow.fence == fence)
        .where(OperationRow.state == OperationState.RUNNING)
        .values(lease_until=until)
        .returning(OperationRow.id)
    )
    return done.first() is not None


def save_steps(session: Session, operation: UUID, fence: int, steps: Sequence[dict[str, Any]]) -> bool:
    """False: no longer ours."""
    done = session.execute(
        update(OperationRow)
        .where(OperationRow.id == operation, OperationRow.fence == fence)
        .where(OperationRow.state == OperationState.RUNNING)
        .values(steps=list(steps), version=OperationRow.version + 1)
        .returning(OperationRow.id)
    )
    return done.first() is not None


def due(session: Session, now: datetime, queued_before: datetime, limit: int = 500) -> list[tuple[UUID, int]]:
    """Id and version of operations the queue should know of: due ones, and running ones whose lease ran out.

    Those that were only just queued are left out: who made them tells the queue.
    """
    fresh = and_(OperationRow.state == OperationState.QUEUED, OperationRow.due_at > queued_before)
    idle = OperationRow.state.in_([OperationState.QUEUED, OperationState.WAITING])
    query = (
        select(OperationRow.id, OperationRow.version)
        .where(
            or_(
                and_(idle, OperationRow.due_at <= now, ~fresh),
                and_(OperationRow.state == OperationState.RUNNING, OperationRow.lease_until <= now),
            )
        )
        .order_by(OperationRow.created_at)
        .limit(limit)
    )
    return [(operation, version) for operation, version in session.execute(query)]


def release(session: Session, owner: str, now: datetime) -> list[UUID]:
    """End the leases of a worker that is known to be gone."""
    done = session.execute(
        update(OperationRow)
        .where(OperationRow.state == OperationState.RUNNING, OperationRow.lease_owner == owner)
        .values(lease_until=now)
        .returning(OperationRow.id)
    )
    return list(done.scalars())


def queued_on(session: Session, target: str, now: datetime) -> UUID | None:
    """The oldest due operation of a target, to be told when the target becomes free."""
    return session.scalar(
        select(OperationRow.id)
        .where(OperationRow.target == target)
        .where(OperationRow.state.in_([OperationState.QUEUED, OperationState.WAITING]), OperationRow.due_at <= now)
        .order_by(OperationRow.created_at)
        .limit(1)
    )


def active_on(session: Session, target: str, kinds: Collection[OperationKind] | None = None) -> list[OperationRow]:
    """Newest first."""
    query = select(OperationRow).where(OperationRow.target == target, OperationRow.state.in_(ACTIVE))
    if kinds is not None:
        query = query.where(OperationRow.kind.in_(kinds))
    return list(session.scalars(query.order_by(OperationRow.created_at.desc())))


def waiting_on(session: Session, target: str) -> list[OperationRow]:
    """Those nobody works on, locked."""
    query = (
        select(OperationRow)
        .where(OperationRow.target == target)
        .where(OperationRow.state.in_([OperationState.QUEUED, OperationState.WAITING]))
        .order_by(OperationRow.created_at)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def children(session: Session, parent: UUID) -> list[OperationRow]:
    return list(
        session.scalars(select(OperationRow).where(OperationRow.parent_id == parent).order_by(OperationRow.created_at))
    )


def newest_of(session: Session, workspaces: Collection[UUID]) -> dict[UUID, UUID]:
    """Workspace id → its newest operation."""
    query = (
        select(OperationRow.workspace_id, OperationRow.id)
        .where(OperationRow.target.in_([workspace_target(w) for w in workspaces]))
        .ext(distinct_on(OperationRow.target))
        .order_by(OperationRow.target, OperationRow.created_at.desc())
    )
    return {w: o for w, o in session.execute(query) if w is not None}


def page(
    session: Session, *, among: frozenset[UUID] | None, tenant: UUID | None, workspace: UUID | None,
    state: OperationState | None, kind: OperationKind | None, parent: UUID | None, search: str | None,
    after: tuple[datetime, UUID] | None, limit: int,
) -> list[OperationRow]:  # fmt: skip
    """Newest first, `limit` + 1 rows at most. `among` None: of all tenants."""
    query = select(OperationRow).order_by(OperationRow.created_at.desc(), OperationRow.id.desc()).limit(limit + 1)
    for column, wanted in (
        (OperationRow.tenant_id, tenant),
        (OperationRow.workspace_id, workspace),
        (OperationRow.state, state),
        (OperationRow.kind, kind),
        (OperationRow.parent_id, parent),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if among is not None:
        query = query.where(OperationRow.tenant_id.in_(among))
    if search:
        pattern = contains(search)
        query = query.where(
            or_(OperationRow.kind.ilike(pattern, escape="\\"), OperationRow.message.ilike(pattern, escape="\\"))
        )
    if after is not None:
        query = query.where(
            or_(
                OperationRow.created_at < after[0],
                and_(OperationRow.created_at == after[0], OperationRow.id < after[1]),
            )
        )
    return list(session.scalars(query))


def count(session: Session) -> dict[tuple[str, str], int]:
    """Operations that are not over, and those that ended badly, by kind and state, for metrics."""
    shown = [*ACTIVE, OperationState.PARKED, OperationState.FAILED]
    rows = session.execute(
        select(OperationRow.kind, OperationRow.state, func.count())
        .where(OperationRow.state.in_(shown))
        .group_by(OperationRow.kind, OperationRow.state)
    )
    return {(kind, state): n for kind, state, n in rows}
