"""The requests table and its queries."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.db import Base, contains
from controlplane.requests.model import Approvers, RequestKind, RequestState


class RequestRow(Base):
    __tablename__ = "requests"
    __table_args__ = (
        Index("ix_requests_tenant", "tenant_id", "created_at"),
        Index("ix_requests_created", "created_at", "id"),
        Index("ix_requests_state", "state", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    state: Mapped[str]
    want: Mapped[dict[str, Any]]
    summary: Mapped[str]
    reason: Mapped[str]
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    requester: Mapped[str]
    approvers: Mapped[str]
    decided_by: Mapped[str | None]
    decision_reason: Mapped[str | None]
    trace: Mapped[list[dict[str, Any]]]
    operation_id: Mapped[UUID | None] = mapped_column(ForeignKey("operations.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


def by_id(session: Session, request: UUID, *, lock: bool = False) -> RequestRow | None:
    query = select(RequestRow).where(RequestRow.id == request)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def page(
    session: Session, *, requester: UUID | None, visible: frozenset[UUID] | None, decidable: frozenset[UUID] | None,
    decides_platform: bool, only_mine: bool, only_decidable: bool, tenant: UUID | None, state: RequestState | None,
    kind: RequestKind | None, search: str | None, after: tuple[datetime, UUID] | None, limit: int, within: UUID | None,
) -> list[RequestRow]:  # fmt: skip
    """Newest first, `limit` + 1 rows at most.

    Seen are those of `visible` tenants (None: all) and the requester's own. `decidable` (None: all) are the tenants
    whose admins the caller belongs to; `decides_platform` adds those that platform admins decide. `within`: a token's
    only tenant.
    """
    query = select(RequestRow).order_by(RequestRow.created_at.desc(), RequestRow.id.desc()).limit(limit + 1)
    if visible is not None:
        query = query.where(or_(RequestRow.tenant_id.in_(visible), RequestRow.requester_id == requester))
    if only_mine:
        query = query.where(RequestRow.requester_id == requester)
    if only_decidable:
        query = query.where(RequestRow.state == RequestState.PENDING)
        if decidable is not None:
            query = query.where(RequestRow.tenant_id.in_(decidable))
        if not decides_platform:
            query = query.where(RequestRow.approvers == Approvers.TENANT_ADMINS)
    for column, wanted in (
        (RequestRow.tenant_id, tenant),
        (RequestRow.tenant_id, within),
        (RequestRow.state, state),
        (RequestRow.kind, kind),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if search:
        pattern = contains(search)
        query = query.where(
            or_(RequestRow.summary.ilike(pattern, escape="\\"), RequestRow.requester.ilike(pattern, escape="\\"))
        )
    if after is not None:
        query = query.where(
            or_(
                RequestRow.created_at < after[0],
                and_(RequestRow.created_at == after[0], RequestRow.id < after[1]),
            )
        )
    return list(session.scalars(query))


def overdue(session: Session, now: datetime) -> list[RequestRow]:
    """Pending past their time, locked; at most 100."""
    query = (
        select(RequestRow)
        .where(RequestRow.state == RequestState.PENDING, RequestRow.expires_at <= now)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))
