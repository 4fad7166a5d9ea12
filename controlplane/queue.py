"""The queue is a hint: it says that an operation may be looked at. Losing it costs time, never work."""

from __future__ import annotations

import logging
import time
from threading import Lock
from typing import Protocol
from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

TASK = "operations.run"

log = logging.getLogger(__name__)


class Queue(Protocol):
    def send(self, operation: UUID) -> bool:
        """Whether the queue took it. Never raises for a queue that is away."""
        ...


class CeleryQueue:
    """Messages carry an operation id and nothing else.

    After a failure nothing is sent for `pause` seconds, so that a queue that is away does not slow every call down;
    the sweeper sends what was left out.
    """

    def __init__(self, app: Celery, *, pause: float = 3.0) -> None:
        self._app = app
        self._pause = pause
        self._away_until = 0.0
        self._lock = Lock()

    def send(self, operation: UUID) -> bool:
        if time.monotonic() < self._away_until:
            return False
        try:
            self._app.send_task(TASK, args=[str(operation)], task_id=str(operation), retry=False, ignore_result=True)
        except (OperationalError, RedisError, OSError) as error:
            with self._lock:
                self._away_until = time.monotonic() + self._pause
            log.warning("queue away; the sweeper will send", extra={"operation": str(operation), "cause": str(error)})
            return False
        return True
