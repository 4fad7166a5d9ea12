"""Servers of a test run end with it, also when it is killed."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
"""Loaded before any fork: the child of a process with threads must not load libraries."""


def die_with_parent() -> None:
    """For `preexec_fn`, or for the process itself: the kernel kills it when the one that started it is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
