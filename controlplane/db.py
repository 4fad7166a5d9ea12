"""PostgreSQL: engine, base class of the tables, and the few column types of our own."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import DateTime, Dialect, Engine, MetaData, Uuid, create_engine
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import Text, TypeDecorator

from controlplane.errors import Finding, Invalid

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables. Times are `timestamptz`, ids UUIDs, documents `jsonb`."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        list[str]: ARRAY(Text()),
    }


M = TypeVar("M", bound=BaseModel)


class Document(TypeDecorator[M]):
    """A pydantic model in a `jsonb` column."""

    impl = JSONB
    cache_ok = True

    def __init__(self, model: type[M]) -> None:
        super().__init__()
        self.model = model

    def process_bind_param(self, value: M | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> M | None:  # noqa: ARG002
        return None if value is None else self.model.model_validate(value)


def make_engine(url: str, *, pool: int, statement_seconds: int = 20) -> Engine:
    """A pool of `pool` connections that are checked before use; waiting for one ends after 5 s.

    Statements and lock waits are bounded on the server, so that no request hangs on another.
    """
    return create_engine(
        url,
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=5,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,  # errors are logged; hashes and names do not belong there
        connect_args={
            "connect_timeout": 3,
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "options": f"-c statement_timeout={statement_seconds * 1000} -c lock_timeout={statement_seconds * 500}"
            " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    )


def encode_cursor(*parts: str) -> str:
    """Opaque to callers."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[str]:
    """The parts again. Invalid when it is none of ours."""
    try:
        parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(parts) != length or not all(isinstance(p, str) for p in parts):
        raise _bad_cursor()
    if any("\x00" in p or not p.isprintable() for p in parts):
        raise _bad_cursor()
    return parts


def cursor_time(text: str) -> datetime:
    """A time inside a cursor."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_cursor() from None
    if moment.tzinfo is None:
        raise _bad_cursor()
    return moment


def cursor_id(text: str) -> UUID:
    """An id inside a cursor."""
    try:
        return UUID(text)
    except ValueError:
        raise _bad_cursor() from None


def _bad_cursor() -> Invalid:
    return Invalid(
        "The cursor is none that this list gave out. Leave it away to start from the beginning.",
        findings=[Finding("query.cursor", "not a cursor of this list")],
    )


def contains(text: str) -> str:
    """A LIKE pattern for `text` anywhere, taken literally; use with `escape='\\\\'`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
