"""Tells the watcher which endpoints were called: one write for each and some seconds, whatever the number of calls."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from controlplane.errors import ControlPlaneError
from controlplane.runtime import Runtime, system
from controlplane.serving import repository

log = logging.getLogger(__name__)
CALLED_SECONDS, WANTED_SECONDS = 10.0, 2.0
"""A call is written down unless one was within this time; who is asleep is asked for again after the second."""
_Key = tuple[str, str, bool]


class EndpointUses:
    """Threads share it. `write` takes namespace, endpoint, and whether the endpoint was asleep."""

    def __init__(
        self, write: Callable[[str, str, bool], None], *, size: int = 5000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._size = size
        self._clock = clock
        self._until: OrderedDict[_Key, float] = OrderedDict()
        self._lock = threading.Lock()

    def called(self, namespace: str, endpoint: str, *, asleep: bool) -> None:
        """Never raises for a database that is away: a call is not lost for that."""
        if not self._due((namespace, endpoint, asleep)):
            return
        try:
            self._write(namespace, endpoint, asleep)
        except ControlPlaneError as error:
            about = {"namespace": namespace, "endpoint": endpoint, "cause": str(error)}
            log.warning("could not write down a call", extra=about)

    def _due(self, key: _Key) -> bool:
        with self._lock:
            now = self._clock()
            if self._until.get(key, now) > now:
                return False
            self._until[key] = now + (WANTED_SECONDS if key[2] else CALLED_SECONDS)
            self._until.move_to_end(key)
            while len(self._until) > self._size:
                self._until.popitem(last=False)
            return True


def into(runtime: Runtime, clock: Callable[[], float] = time.monotonic) -> EndpointUses:
    """Written into the database, each in a transaction of its own."""

    def write(namespace: str, endpoint: str, asleep: bool) -> None:
        with runtime.work(system("gate")) as work:
            repository.called(work.session, (namespace, endpoint), work.now, asleep=asleep)

    return EndpointUses(write, clock=clock)
