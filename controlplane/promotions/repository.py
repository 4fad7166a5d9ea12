"""The tables of promotions and their rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.db import Base, contains
from controlplane.promotions.model import ANY_MODEL, PromotionState


class PromotionRuleRow(Base):
    __tablename__ = "promotion_rules"
    __table_args__ = (Index("uq_promotion_rules_target", "workspace_id", "model", "alias", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    model: Mapped[str]
    alias: Mapped[str]
    thresholds: Mapped[list[dict[str, Any]]]
    approver: Mapped[str | None]
    updated_at: Mapped[datetime]


class PromotionRow(Base):
    __tablename__ = "promotions"
    __table_args__ = (Index("ix_promotions_workspace", "workspace_id", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    model: Mapped[str]
    version: Mapped[int]
    alias: Mapped[str]
    state: Mapped[str]
    message: Mapped[str]
    asked_run: Mapped[str | None]
    """The evaluation run that was named; None: the one that made the version."""
    run: Mapped[str | None]
    checks: Mapped[list[dict[str, Any]]]
    before: Mapped[int | None]
    reason: Mapped[str]
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    requester: Mapped[str]
    approver: Mapped[str | None]
    decided_by: Mapped[str | None]
    decision_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


def rules(session: Session, workspace: UUID) -> list[PromotionRuleRow]:
    """By alias and model."""
    query = select(PromotionRuleRow).where(PromotionRuleRow.workspace_id == workspace)
    return list(session.scalars(query.order_by(PromotionRuleRow.alias, PromotionRuleRow.model)))


def rule(session: Session, workspace: UUID, model: str, alias: str) -> PromotionRuleRow | None:
    """Exactly this one."""
    query = select(PromotionRuleRow).where(
        PromotionRuleRow.workspace_id == workspace, PromotionRuleRow.model == model, PromotionRuleRow.alias == alias
    )
    return session.scalars(query).one_or_none()


def rule_for(session: Session, workspace: UUID, model: str, alias: str) -> PromotionRuleRow | None:
    """The model's own, else the one for every model."""
    return rule(session, workspace, model, alias) or rule(session, workspace, ANY_MODEL, alias)


def rule_by_id(session: Session, workspace: UUID, rule_id: UUID) -> PromotionRuleRow | None:
    query = select(PromotionRuleRow).where(
        PromotionRuleRow.workspace_id == workspace, PromotionRuleRow.id == rule_id
    )  # fmt: skip
    return session.scalars(query).one_or_none()


def by_id(session: Session, workspace: UUID, promotion: UUID, *, lock: bool = False) -> PromotionRow | None:
    query = select(PromotionRow).where(PromotionRow.workspace_id == workspace, PromotionRow.id == promotion)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def page(
    session: Session, workspace: UUID, *, state: PromotionState | None, model: str | None, search: str | None,
    after: tuple[datetime, UUID] | None, limit: int,
) -> list[PromotionRow]:  # fmt: skip
    """Newest first, `limit` + 1 rows at most."""
    query = select(PromotionRow).where(PromotionRow.workspace_id == workspace)
    query = query.order_by(PromotionRow.created_at.desc(), PromotionRow.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(PromotionRow.state == state)
    if model is not None:
        query = query.where(PromotionRow.model == model)
    if search:
        query = query.where(PromotionRow.model.ilike(contains(search), escape="\\"))
    if after is not None:
        query = query.where(
            or_(
                PromotionRow.created_at < after[0],
                and_(PromotionRow.created_at == after[0], PromotionRow.id < after[1]),
            )
        )
    return list(session.scalars(query))
