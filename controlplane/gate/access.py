"""RBAC's answers about callers, remembered for a moment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from controlplane.gate.ports import AccessReviewer
from controlplane.kube.client import Access


class CachedAccess:
    """Remembers answers, yes and no, for `seconds`: taking a member away acts after this time. Threads share it."""

    def __init__(
        self, reviewer: AccessReviewer, *, seconds: float = 3.0, size: int = 5000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._reviewer = reviewer
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._known: OrderedDict[Access, tuple[float, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def allowed(self, access: Access) -> bool:
        """Raises `errors.Temporary` when nobody can tell."""
        with self._lock:
            found = self._known.get(access)
            if found is not None and found[0] > self._clock():
                return found[1]
        answer = self._reviewer.allowed(access)
        with self._lock:
            self._known.pop(access, None)
            self._known[access] = (self._clock() + self._seconds, answer)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return answer
