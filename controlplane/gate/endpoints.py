"""What the gate knows of a namespace's endpoints: asked for at most once in a few seconds, and missed by nobody."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from controlplane.errors import ControlPlaneError
from controlplane.gate.ports import EndpointReader
from controlplane.serving.endpoints import Endpoint

log = logging.getLogger(__name__)


@dataclass
class _Known:
    """Of one namespace. `found` is good until `until`; `asking` is held by the thread that asks."""

    until: float
    found: Mapping[str, Endpoint] = field(default_factory=dict)
    first: bool = True
    asking: threading.Lock = field(default_factory=threading.Lock)


class CachedEndpoints:
    """Remembers a namespace's endpoints for `seconds`. Threads share it."""

    def __init__(
        self, reader: EndpointReader, *, seconds: float = 3.0, size: int = 2000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._reader = reader
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, namespace: str) -> Mapping[str, Endpoint]:
        """By name. Empty where nobody can tell, for `seconds` as well: then every endpoint answers its own calls.

        One thread asks while the others go on with what was known; only the first time they wait for it.
        """
        known = self._remembered(namespace)
        if known.until > self._clock() or not known.asking.acquire(blocking=known.first):
            return known.found
        try:
            if known.until <= self._clock():
                known.found = self._asked(namespace)
                known.until, known.first = self._clock() + self._seconds, False
            return known.found
        finally:
            known.asking.release()

    def _remembered(self, namespace: str) -> _Known:
        with self._lock:
            known = self._known.setdefault(namespace, _Known(self._clock()))
            self._known.move_to_end(namespace)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
            return known

    def _asked(self, namespace: str) -> Mapping[str, Endpoint]:
        try:
            return {each.name: each for each in self._reader.endpoints(namespace)}
        except ControlPlaneError as error:
            about = {"namespace": namespace, "cause": str(error)}
            log.warning("could not look at endpoints; canaries get no calls", extra=about)
            return {}
