"""Audit chains and events. Rows are only ever added: a trigger and the app role's grants refuse the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.audit.chain import GENESIS
from controlplane.audit.model import AuditQuery
from controlplane.db import Base, contains


class AuditChainRow(Base):
    """The head of a chain. Locking its row is what keeps parallel writers from forking the chain."""

    __tablename__ = "audit_chains"

    chain: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[str]


class AuditEventRow(Base):
    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_at", "chain", "at"),)

    chain: Mapped[str] = mapped_column(ForeignKey("audit_chains.chain"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    credential: Mapped[str]
    action: Mapped[str]
    object: Mapped[str]
    outcome: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    request_id: Mapped[str]
    address: Mapped[str]
    prev_hash: Mapped[str]
    row_hash: Mapped[str]


def lock_head(session: Session, chain: str, tenant: UUID | None) -> AuditChainRow:
    """The chain's head, made where it is missing, locked until the transaction ends."""
    session.execute(
        insert(AuditChainRow)
        .values(chain=chain, tenant_id=tenant, seq=0, head=GENESIS)
        .on_conflict_do_nothing(index_elements=["chain"])
    )
    return session.scalars(
        select(AuditChainRow)
        .where(AuditChainRow.chain == chain)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def head(session: Session, chain: str) -> AuditChainRow | None:
    return session.get(AuditChainRow, chain, populate_existing=True)


def blocks(session: Session, chain: str, size: int = 500) -> Iterator[list[AuditEventRow]]:
    """The whole chain, oldest first, without holding more than a block in memory."""
    last = 0
    while True:
        rows = list(
            session.scalars(
                select(AuditEventRow)
                .where(AuditEventRow.chain == chain, AuditEventRow.seq > last)
                .order_by(AuditEventRow.seq)
                .limit(size)
            )
        )
        if not rows:
            return
        yield rows
        last = rows[-1].seq
        for row in rows:
            session.expunge(row)


def page(session: Session, chain: str, query: AuditQuery, before_seq: int | None) -> list[AuditEventRow]:
    """Newest first, one row more than the limit."""
    wanted = (
        select(AuditEventRow)
        .where(AuditEventRow.chain == chain)
        .order_by(AuditEventRow.seq.desc())
        .limit(query.limit + 1)
    )
    if before_seq is not None:
        wanted = wanted.where(AuditEventRow.seq < before_seq)
    if query.action is not None:
        wanted = wanted.where(AuditEventRow.action == query.action)
    if query.actor is not None:
        wanted = wanted.where(AuditEventRow.actor == query.actor)
    if query.since is not None:
        wanted = wanted.where(AuditEventRow.at >= query.since)
    if query.until is not None:
        wanted = wanted.where(AuditEventRow.at < query.until)
    if query.search:
        pattern = contains(query.search)
        wanted = wanted.where(
            or_(
                AuditEventRow.actor.ilike(pattern, escape="\\"),
                AuditEventRow.action.ilike(pattern, escape="\\"),
                AuditEventRow.object.ilike(pattern, escape="\\"),
            )
        )
    return list(session.scalars(wanted))
