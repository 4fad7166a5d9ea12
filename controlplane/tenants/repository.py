"""The tenants table and its queries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Select, func, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.db import Base, Document, contains
from controlplane.quotas.model import ZERO, Quota
from controlplane.tenants.model import Rules, TenantState


class TenantRow(Base):
    __tablename__ = "tenants"
    __table_args__ = (
        Index("uq_tenants_slug_live", "slug", unique=True, postgresql_where=text("state <> 'deleted'")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    quota: Mapped[Quota] = mapped_column(Document(Quota))
    rules: Mapped[Rules] = mapped_column(Document(Rules))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    def touch(self, now: datetime) -> None:
        self.version += 1
        self.updated_at = now


def live() -> Select[TenantRow]:
    return select(TenantRow).where(TenantRow.state != TenantState.DELETED)


def by_slug(session: Session, slug: str, *, lock: bool = False) -> TenantRow | None:
    query = live().where(TenantRow.slug == slug)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def by_id(session: Session, tenant: UUID, *, lock: bool = False) -> TenantRow | None:
    """Tombstones too."""
    query = select(TenantRow).where(TenantRow.id == tenant)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def by_ids(session: Session, tenants: Collection[UUID]) -> list[TenantRow]:
    """Tombstones too."""
    return list(session.scalars(select(TenantRow).where(TenantRow.id.in_(tenants))))


def page(
    session: Session, *, among: frozenset[UUID] | None, after: str | None, limit: int, search: str | None,
    state: TenantState | None,
) -> list[TenantRow]:  # fmt: skip
    """By slug, `limit` + 1 rows at most. `among` None: all."""
    query = live().order_by(TenantRow.slug).limit(limit + 1)
    if among is not None:
        query = query.where(TenantRow.id.in_(among))
    if after is not None:
        query = query.where(TenantRow.slug > after)
    if state is not None:
        query = query.where(TenantRow.state == state)
    if search:
        pattern = contains(search)
        query = query.where(
            or_(TenantRow.slug.ilike(pattern, escape="\\"), TenantRow.title.ilike(pattern, escape="\\"))
        )
    return list(session.scalars(query))


def everyone(session: Session) -> list[TenantRow]:
    """All that are not deleted."""
    return list(session.scalars(live().order_by(TenantRow.slug)))


def active_slugs(session: Session) -> list[str]:
    """Of tenants whose people are let through."""
    return list(session.scalars(select(TenantRow.slug).where(TenantRow.state == TenantState.ACTIVE)))


def total(quotas: list[Quota]) -> Quota:
    return sum(quotas, start=ZERO)


def count(session: Session) -> dict[str, int]:
    """Live tenants by state, for metrics."""
    rows = session.execute(select(TenantRow.state, func.count()).group_by(TenantRow.state))
    return {state: n for state, n in rows if state != TenantState.DELETED}
