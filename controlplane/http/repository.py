"""Answers kept for repeated calls with the same Idempotency-Key."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.db import Base


class IdempotencyRow(Base):
    """One kept answer. It is written in the transaction of the change, so a failed call leaves none."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("ix_idempotency_created_at", "created_at"),)

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of method, path and body."""
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]
    headers: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


def reserve(session: Session, account: UUID, key: str, fingerprint: bytes, now: datetime) -> IdempotencyRow | None:
    """None: the key is new and now ours. A row: the answer given before. Waits for a parallel call with the key."""
    made = session.execute(
        insert(IdempotencyRow)
        .values(account_id=account, key=key, fingerprint=fingerprint, created_at=now)
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.key)
    ).first()
    if made is not None:
        return None
    return session.scalars(
        select(IdempotencyRow).where(IdempotencyRow.account_id == account, IdempotencyRow.key == key)
    ).one()


def keep(session: Session, account: UUID, key: str, *, status: int, body: Any, headers: dict[str, str]) -> None:
    session.execute(
        update(IdempotencyRow)
        .where(IdempotencyRow.account_id == account, IdempotencyRow.key == key)
        .values(status=status, body=body, headers=headers)
    )


def clean(session: Session, before: datetime) -> None:
    session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < before))
