"""Logs as JSON lines with the ids of what is being done, and without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

_BOUND: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default=MappingProxyType({}))
_CHATTY = (
    "kombu", "amqp", "urllib3", "httpx", "httpx2", "httpcore", "httpcore2", "botocore", "celery.worker.strategy",
    "celery.app.trace", "alembic",
)  # fmt: skip
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = (
    (re.compile(r"mlp_[A-Za-z0-9_-]{20,}"), "mlp_[redacted]"),
    (re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "[redacted token]"),
    (re.compile(r"(://[^:/@\s]*):[^@/\s]+@"), r"\1:[redacted]@"),
    (re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}"), r"\1[redacted]"),
    (re.compile(r"(?i)((?:password|secret|passwd)[\\\"']*\s*[=:]\s*[\\\"']*)[^\s\\\"',}]+"), r"\1[redacted]"),
)


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Fields that every line of this context carries."""
    token = _BOUND.set({**_BOUND.get(), **fields})
    try:
        yield
    finally:
        _BOUND.reset(token)


def begin(**fields: str) -> Token[Mapping[str, str]]:
    """`bound` for code with a beginning and an end in different places; give the token to `end`."""
    return _BOUND.set({**_BOUND.get(), **fields})


def end(token: Token[Mapping[str, str]]) -> None:
    _BOUND.reset(token)


def scrub(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_BOUND.get(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return scrub(json.dumps(fields, default=str, ensure_ascii=False))


def init(level: str) -> None:
    """Everything to stderr, once per process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
