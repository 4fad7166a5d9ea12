"""What a process holds for its whole life: settings, database pool, queue, clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import BoundedSemaphore
from uuid import UUID

from celery import Celery
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from controlplane.auth.model import Origin, Principal, Via
from controlplane.celery_app import make_celery
from controlplane.db import make_engine
from controlplane.errors import PublicError, Unavailable
from controlplane.queue import CeleryQueue, Queue
from controlplane.settings import Settings
from controlplane.work import Work

log = logging.getLogger(__name__)

_RETRY_STATES = ("40001", "40P01", "55P03", "57014", "25006")
"""Serialization failure, deadlock, lock not available, statement cancelled, read-only standby: it works later."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def system(part: str) -> Principal:
    """The principal of the platform's own parts."""
    return Principal(name=part, via=Via.SYSTEM)


@dataclass
class Runtime:
    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    queue: Queue
    celery: Celery
    clock: Callable[[], datetime] = utc_now
    _streams: BoundedSemaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._streams = BoundedSemaphore(max(self.settings.streams, 1))

    @classmethod
    def make(cls, settings: Settings) -> Runtime:
        """Opens nothing yet: connections are made when first needed."""
        engine = make_engine(settings.database_url.get_secret_value(), pool=settings.database_pool)
        celery = make_celery(settings)
        return cls(
            settings=settings,
            engine=engine,
            sessions=sessionmaker(engine, expire_on_commit=False),
            queue=CeleryQueue(celery),
            celery=celery,
        )

    @contextmanager
    def work(self, principal: Principal | None = None, origin: Origin | None = None) -> Iterator[Work]:
        """One transaction. A PublicError marked `commit` keeps what was written; every other error undoes it.

        Unavailable where the database is away or too busy: nothing was changed and the call can be repeated.
        """
        try:
            with self.sessions() as session:
                work = Work(session, self.settings, origin or Origin(), self.clock(), principal)
                try:
                    yield work
                except PublicError as error:
                    if error.commit:
                        work.write_audit()
                        session.commit()
                    raise
                work.write_audit()
                session.commit()
        except (OperationalError, PoolTimeout) as error:
            log.warning("database not available", extra={"cause": type(error).__name__})
            raise _away() from error
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if error.connection_invalidated or state in _RETRY_STATES or (state or "").startswith(("08", "53", "57P")):
                log.warning("database not available", extra={"cause": type(error).__name__, "sqlstate": state})
                raise _away() from error
            raise
        self.send(work.enqueue)

    @contextmanager
    def stream_slot(self) -> Iterator[bool]:
        """One of the live streams that this process may have at a time; False where none is free. Never waits."""
        free = self.settings.streams > 0 and self._streams.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._streams.release()

    def send(self, operations: list[UUID]) -> None:
        for operation in operations:
            self.queue.send(operation)

    def database_answers(self) -> bool:
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except (OperationalError, PoolTimeout):
            return False
        return True

    def close(self) -> None:
        self.engine.dispose()
        self.celery.close()


def _away() -> Unavailable:
    return Unavailable("The database is not available right now. Nothing was changed; try again.", retry_after=5)
