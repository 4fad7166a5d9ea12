"""Tells the queue again of operations it lost or has not heard of, and of those whose worker died."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from controlplane.operations import repository
from controlplane.runtime import Runtime, system

_AGAIN_AFTER = 10.0
_GRACE = timedelta(seconds=0.8)
"""A fresh operation was told to the queue by the call that made it."""


class Sweeper:
    """Keeps in memory which version of what it told, so that a long queue is not told the same every second."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._told: dict[tuple[UUID, int], float] = {}

    def sweep(self) -> int:
        """One round; gives how many operations the queue was told. Unavailable where the database is away."""
        with self._runtime.work(system("watcher")) as work:
            due = repository.due(work.session, work.now, work.now - _GRACE)
        clock = time.monotonic()
        self._told = {told: at for told, at in self._told.items() if clock - at < _AGAIN_AFTER}
        told = 0
        for operation, version in due:
            if (operation, version) not in self._told and self._runtime.queue.send(operation):
                self._told[operation, version] = clock
                told += 1
        return told
