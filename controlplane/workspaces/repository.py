"""The workspaces table and its queries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, func, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.db import Base, Document, contains
from controlplane.quotas.model import Quota
from controlplane.tenants.repository import TenantRow
from controlplane.workspaces.model import WorkspaceState

_LIVE = text("state <> 'deleted'")


class WorkspaceRow(Base):
    __tablename__ = "workspaces"
    __table_args__ = (
        Index("uq_workspaces_name_live", "tenant_id", "name", unique=True, postgresql_where=_LIVE),
        Index("uq_workspaces_namespace_live", "namespace", unique=True, postgresql_where=_LIVE),
        Index("ix_workspaces_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    namespace: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    quota: Mapped[Quota] = mapped_column(Document(Quota))
    features: Mapped[list[str]]
    internet: Mapped[bool] = mapped_column(default=False)
    suspended: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    expires_at: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(default=1)
    """Grows with every change of what the cluster should hold."""
    observed_generation: Mapped[int] = mapped_column(default=0)
    conditions: Mapped[list[dict[str, Any]]]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    def touch(self, now: datetime) -> None:
        self.version += 1
        self.updated_at = now


def live() -> Select[WorkspaceRow]:
    return select(WorkspaceRow).where(WorkspaceRow.state != WorkspaceState.DELETED)


def by_name(session: Session, tenant: UUID, name: str, *, lock: bool = False) -> WorkspaceRow | None:
    query = live().where(WorkspaceRow.tenant_id == tenant, WorkspaceRow.name == name)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def by_id(session: Session, workspace: UUID, *, lock: bool = False) -> WorkspaceRow | None:
    """Tombstones too."""
    query = select(WorkspaceRow).where(WorkspaceRow.id == workspace)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def by_namespace(session: Session, namespace: str) -> tuple[WorkspaceRow, TenantRow] | None:
    """The live workspace of a namespace with its tenant."""
    query = (
        live()
        .add_columns(TenantRow)
        .join(TenantRow, TenantRow.id == WorkspaceRow.tenant_id)
        .where(WorkspaceRow.namespace == namespace)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def of_tenant(session: Session, tenant: UUID, *, lock: bool = False) -> list[WorkspaceRow]:
    query = live().where(WorkspaceRow.tenant_id == tenant).order_by(WorkspaceRow.name)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(query))


def quotas(session: Session, tenants: Collection[UUID]) -> dict[UUID, list[Quota]]:
    """The quotas of every live workspace, by tenant; tenants without one are left out."""
    found: dict[UUID, list[Quota]] = {}
    query = select(WorkspaceRow.tenant_id, WorkspaceRow.quota).where(
        WorkspaceRow.tenant_id.in_(tenants), WorkspaceRow.state != WorkspaceState.DELETED
    )
    for tenant, quota in session.execute(query):
        found.setdefault(tenant, []).append(quota)
    return found


def page(
    session: Session, *, tenant: UUID | None, among: frozenset[UUID] | None, after: str | None, limit: int,
    search: str | None, state: WorkspaceState | None,
) -> list[WorkspaceRow]:  # fmt: skip
    """By namespace, which within one tenant is by name; `limit` + 1 rows at most."""
    query = live().order_by(WorkspaceRow.namespace).limit(limit + 1)
    if tenant is not None:
        query = query.where(WorkspaceRow.tenant_id == tenant)
    if among is not None:
        query = query.where(WorkspaceRow.tenant_id.in_(among))
    if after is not None:
        query = query.where(WorkspaceRow.namespace > after)
    if state is not None:
        query = query.where(WorkspaceRow.state == state)
    if search:
        pattern = contains(search)
        query = query.where(
            or_(WorkspaceRow.namespace.ilike(pattern, escape="\\"), WorkspaceRow.title.ilike(pattern, escape="\\"))
        )
    return list(session.scalars(query))


def owned_by(session: Session, tenant: UUID, owner: UUID) -> int:
    return session.scalar(
        select(func.count())
        .select_from(WorkspaceRow)
        .where(
            WorkspaceRow.tenant_id == tenant,
            WorkspaceRow.owner_id == owner,
            WorkspaceRow.state != WorkspaceState.DELETED,
        )
    ) or 0  # fmt: skip


def expired(session: Session, now: datetime) -> list[WorkspaceRow]:
    """Past their expiry and not suspended yet, at most 50."""
    query = (
        live()
        .where(WorkspaceRow.expires_at <= now, WorkspaceRow.suspended.is_(False))
        .where(WorkspaceRow.state.not_in([WorkspaceState.DELETING, WorkspaceState.BLOCKED]))
        .order_by(WorkspaceRow.expires_at)
        .limit(50)
    )
    return list(session.scalars(query))


def in_states(session: Session, states: Collection[WorkspaceState]) -> list[WorkspaceRow]:
    """By namespace."""
    query = select(WorkspaceRow).where(WorkspaceRow.state.in_(states)).order_by(WorkspaceRow.namespace)
    return list(session.scalars(query))


def count(session: Session) -> dict[str, int]:
    """Live workspaces by state, for metrics."""
    rows = session.execute(select(WorkspaceRow.state, func.count()).group_by(WorkspaceRow.state))
    return {state: n for state, n in rows if state != WorkspaceState.DELETED}
