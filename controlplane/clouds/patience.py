"""Waiting for what a cloud has made and does not yet know everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from controlplane.storage.errors import StorageAway, StorageRefused

T = TypeVar("T")
_SECONDS = 20.0


def until_known(
    call: Callable[[], T],
    codes: frozenset[str],
    *,
    seconds: float = _SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Calls again, ever more slowly, while it is refused with one of `codes`: a new identity takes seconds to spread.

    StorageAway after `seconds` of waiting, so that the operation comes back to it.
    """
    waited, pause = 0.0, 0.5
    while True:
        try:
            return call()
        except StorageRefused as error:
            if error.code not in codes:
                raise
            if waited >= seconds:
                raise StorageAway(f"{error}; the cloud does not yet know the new identity") from error
        sleep(pause)
        waited += pause
        pause = min(pause * 2, 5.0)
