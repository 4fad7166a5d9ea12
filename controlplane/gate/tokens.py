"""The token with which people's calls go to the API server: made anew when half of its life is over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from controlplane.errors import ControlPlaneError, Temporary
from controlplane.gate.ports import Minted, TokenMinter

log = logging.getLogger(__name__)
_LAST_SECONDS = 30.0
"""Whoever is handed a token must still have time to use it."""


class PeopleTokens:
    """Threads share it; one of them makes the new token, and the others wait for it."""

    def __init__(self, minter: TokenMinter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._minter = minter
        self._clock = clock
        self._lock = threading.Lock()
        self._made: Minted | None = None
        self._at = 0.0

    def token(self) -> str:
        """Raises Temporary where none can be made and the last has run out."""
        with self._lock:
            if self._made is not None and self._age() < self._made.seconds / 2:
                return self._made.token
            asked = self._clock()
            try:
                self._made, self._at = self._minter.mint(), asked
            except ControlPlaneError as error:
                log.warning("no token for people's calls", extra={"cause": str(error)})
                if self._made is None or self._age() > self._made.seconds - _LAST_SECONDS:
                    raise Temporary("The API server gives no token for people's calls.") from error
            return self._made.token

    def _age(self) -> float:
        return self._clock() - self._at
