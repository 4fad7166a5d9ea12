"""The system calls that Python 3.11 does not have: namespaces, mounts, death signals."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_MOVE, MS_REC = 0x1000, 0x2000, 0x4000
MS_PRIVATE, MS_SHARED = 1 << 18, 1 << 20
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError naming both ends."""
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _check(result, f"mount {source} on {target}")


def unmount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _check(_libc.umount2(target.encode(), flags), f"unmount {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2); the C library has no wrapper for it."""
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(number, new_root.encode(), put_old.encode()), f"pivot_root to {new_root}")


def die_with_parent() -> None:
    """The kernel kills this process when its parent ends. Only for a child between fork and exec, or after."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def make_dying_child(parent: int) -> Callable[[], None]:
    """For `preexec_fn` of a single-threaded `parent` (its pid): the child never outlives it, not even by a race."""

    def prepare() -> None:
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def new_network_namespace() -> int:
    """A descriptor of a new, empty network namespace, which lives as long as something refers to it.

    For single-threaded processes only; the process itself stays where it is.
    """
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.unshare(CLONE_NEWNET), "unshare the network namespace")
        made = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _check(_libc.setns(own, CLONE_NEWNET), "return to the machine's network namespace")
    finally:
        os.close(own)
    return made


def write_file(path: str, value: str) -> None:
    """Writes one value to a kernel file."""
    Path(path).write_text(value, encoding="utf-8")
