"""When an operation comes round again. Pure; the random part is an argument."""

from __future__ import annotations

MAX_STRIKES = 6
"""Crashes and unknown errors in a row before an operation is parked."""
MAX_ATTEMPTS = 200
"""Tries against an outside system that keeps failing, about an hour and a half, before an operation is parked."""
_RETRY_CAP = 30.0
_WAIT_CAP = 5.0
_LONG_WAIT_AFTER = 30


def retry_delay(attempt: int, chance: float) -> float:
    """Seconds after the attempt-th failure: 1, 2, 4 … 30, of which `chance` (0 to 1) takes away up to half."""
    return min(2.0 ** min(attempt - 1, 10), _RETRY_CAP) * (1 - chance / 2)


def wait_delay(attempt: int, chance: float) -> float:
    """Seconds until something awaited is looked at again: 0.25, 0.5 … 5, and 30 once it takes long."""
    cap = _RETRY_CAP if attempt > _LONG_WAIT_AFTER else _WAIT_CAP
    return min(0.25 * 2.0 ** min(attempt - 1, 10), cap) * (1 - chance / 4)
