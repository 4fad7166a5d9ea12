"""The members table and its queries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from components.names import Role
from controlplane.db import Base, contains
from controlplane.members.model import MemberKind
from controlplane.tenants.model import TenantState
from controlplane.tenants.repository import TenantRow


class MemberRow(Base):
    __tablename__ = "members"
    __table_args__ = (
        Index("uq_members_subject", "tenant_id", "kind", "subject", unique=True),
        Index("ix_members_subject", "kind", "subject"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    subject: Mapped[str]
    role: Mapped[str]
    expires_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


_STRENGTH = {Role.VIEWER: 0, Role.MEMBER: 1, Role.ADMIN: 2}


def roles_of(session: Session, account: str, groups: Collection[str], now: datetime) -> dict[UUID, Role]:
    """Tenant id → strongest role of an account and its groups, in tenants that are not deleted."""
    query = (
        select(MemberRow.tenant_id, MemberRow.role)
        .join(TenantRow, TenantRow.id == MemberRow.tenant_id)
        .where(TenantRow.state != TenantState.DELETED)
        .where(or_(MemberRow.expires_at.is_(None), MemberRow.expires_at > now))
        .where(
            or_(
                (MemberRow.kind == MemberKind.ACCOUNT) & (MemberRow.subject == account),
                (MemberRow.kind == MemberKind.GROUP) & MemberRow.subject.in_(groups),
            )
        )
    )
    roles: dict[UUID, Role] = {}
    for tenant, text in session.execute(query):
        role = Role(text)
        if tenant not in roles or _STRENGTH[role] > _STRENGTH[roles[tenant]]:
            roles[tenant] = role
    return roles


def by_id(session: Session, tenant: UUID, member: UUID, *, lock: bool = False) -> MemberRow | None:
    query = select(MemberRow).where(MemberRow.tenant_id == tenant, MemberRow.id == member)
    if lock:
        query = query.with_for_update()
    return session.scalars(query).one_or_none()


def by_subject(session: Session, tenant: UUID, kind: MemberKind, subject: str) -> MemberRow | None:
    return session.scalars(
        select(MemberRow).where(MemberRow.tenant_id == tenant, MemberRow.kind == kind, MemberRow.subject == subject)
    ).one_or_none()


def page(
    session: Session, *, tenant: UUID, after: tuple[str, UUID] | None, limit: int, search: str | None,
    role: Role | None,
) -> list[MemberRow]:  # fmt: skip
    query = (
        select(MemberRow).where(MemberRow.tenant_id == tenant).order_by(MemberRow.subject, MemberRow.id)
        .limit(limit + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(
            or_(MemberRow.subject > after[0], (MemberRow.subject == after[0]) & (MemberRow.id > after[1]))
        )
    if role is not None:
        query = query.where(MemberRow.role == role)
    if search:
        query = query.where(MemberRow.subject.ilike(contains(search), escape="\\"))
    return list(session.scalars(query))


def counts(session: Session, tenants: Collection[UUID]) -> dict[UUID, int]:
    query = (
        select(MemberRow.tenant_id, func.count()).where(MemberRow.tenant_id.in_(tenants)).group_by(MemberRow.tenant_id)
    )
    return dict(iter(session.execute(query)))


def remove_all(session: Session, tenant: UUID) -> None:
    session.execute(delete(MemberRow).where(MemberRow.tenant_id == tenant))


def expired(session: Session, now: datetime) -> list[MemberRow]:
    return list(session.scalars(select(MemberRow).where(MemberRow.expires_at <= now).limit(100)))
