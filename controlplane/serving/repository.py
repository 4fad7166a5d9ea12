"""When endpoints that may sleep were last called, and which of them somebody waits for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.db import Base

Key = tuple[str, str]
"""Namespace and name of an InferenceService."""


class EndpointUseRow(Base):
    __tablename__ = "endpoint_uses"

    namespace: Mapped[str] = mapped_column(primary_key=True)
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    called_at: Mapped[datetime]
    """The last call that is known, or when counting began."""
    wanted_at: Mapped[datetime | None]
    """When it was last called asleep; None: nobody waits."""


def called(session: Session, key: Key, now: datetime, *, asleep: bool) -> None:
    """Written down by the gate. `asleep`: it shall be started."""
    row = insert(EndpointUseRow).values(
        namespace=key[0], endpoint=key[1], called_at=now, wanted_at=now if asleep else None
    )
    changed: dict[str, Any] = {"called_at": func.greatest(EndpointUseRow.called_at, row.excluded.called_at)}
    if asleep:
        changed["wanted_at"] = row.excluded.wanted_at
    session.execute(row.on_conflict_do_update(index_elements=["namespace", "endpoint"], set_=changed))


def counted(session: Session, keys: Collection[Key], now: datetime) -> dict[Key, datetime]:
    """The last call of each of these, counting from now on where none is known; others are forgotten, but for those
    that somebody waits for."""
    rows = session.scalars(select(EndpointUseRow)).all()
    known = {(row.namespace, row.endpoint): row.called_at for row in rows}
    gone = [(row.namespace, row.endpoint) for row in rows if row.wanted_at is None]
    gone = [key for key in gone if key not in keys]
    if gone:
        at = tuple_(EndpointUseRow.namespace, EndpointUseRow.endpoint)
        session.execute(delete(EndpointUseRow).where(at.in_(gone), EndpointUseRow.wanted_at.is_(None)))
    _begin(session, [key for key in keys if key not in known], now)
    return {key: known.get(key, now) for key in keys}


def _begin(session: Session, keys: Iterable[Key], now: datetime) -> None:
    rows = [{"namespace": namespace, "endpoint": endpoint, "called_at": now} for namespace, endpoint in keys]
    if rows:
        session.execute(insert(EndpointUseRow).values(rows).on_conflict_do_nothing())


def wanted(session: Session) -> dict[Key, datetime]:
    """Whom somebody waits for, since when they last asked; who waits longest comes first."""
    found = select(EndpointUseRow).where(EndpointUseRow.wanted_at.is_not(None)).order_by(EndpointUseRow.wanted_at)
    return {(row.namespace, row.endpoint): row.wanted_at for row in session.scalars(found) if row.wanted_at}


def answered(session: Session, key: Key, wanted_at: datetime) -> None:
    """Nobody waits any more, unless somebody asked again since."""
    session.execute(
        update(EndpointUseRow)
        .where(
            EndpointUseRow.namespace == key[0], EndpointUseRow.endpoint == key[1], EndpointUseRow.wanted_at == wanted_at
        )
        .values(wanted_at=None)
    )  # fmt: skip
