"""Processes by an identity that a reused process id cannot fake: id, start time and boot."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Process:
    """A process of this boot."""

    pid: int
    started: int
    """Clock ticks after boot, as the kernel counts them."""
    boot: str

    @property
    def alive(self) -> bool:
        return identify(self.pid) == self

    def signal(self, number: int) -> bool:
        """Sends a signal unless the process has ended or its id belongs to another one by now."""
        if not self.alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def boot_id() -> str:
    """Differs after every start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def identify(pid: int) -> Process | None:
    """The process with this id, or None if there is none or it is only waiting to be reaped."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in {"Z", "X"} else Process(pid, int(fields[19]), boot_id())


def own_process() -> Process:
    """The calling process."""
    fields = parse_stat(Path("/proc/self/stat").read_text(encoding="utf-8"))
    return Process(os.getpid(), int(fields[19]), boot_id())


def from_json(data: object) -> Process | None:
    """A process as `dataclasses.asdict` gave it; None for anything else."""
    if isinstance(data, Mapping):
        pid, started, boot = (data.get(key) for key in ("pid", "started", "boot"))
        if isinstance(pid, int) and isinstance(started, int) and isinstance(boot, str):
            return Process(pid, started, boot)
    return None


def child_of(parent: int) -> int | None:
    """The first child of a process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[1]) == parent:
                return int(entry.name)
    return None


def parse_stat(text: str) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; the name before them may hold spaces and brackets."""
    return text.rpartition(")")[2].split()


def _stat(pid: int) -> list[str] | None:
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL for each; those that ended meanwhile are fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until_gone(process: Process, seconds: float) -> bool:
    """Whether the process ended in time."""
    deadline = time.monotonic() + seconds
    while process.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def describe(pid: int) -> str:
    """A process for a message: its id and the start of its command line."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return f"process {pid} ({words[:80]})"
    return f"process {pid}"


def json_of(process: Process | None) -> dict[str, Any] | None:
    """What `from_json` reads."""
    return None if process is None else {"pid": process.pid, "started": process.started, "boot": process.boot}
