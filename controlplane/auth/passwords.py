"""Passwords: argon2id, bounded in memory, the same work for known and unknown accounts."""

from __future__ import annotations

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE = BoundedSemaphore(2)
"""Each check takes 19 MiB and about 30 ms; more at once would only fill memory."""


def hash_password(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(password)


@cache
def _nobody() -> str:
    return hash_password("no account has this password")


def matches(password_hash: str | None, password: str) -> bool:
    """None (no such account) costs the same time and is False."""
    known = password_hash or _nobody()
    with _AT_ONCE:
        try:
            return _HASHER.verify(known, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)
