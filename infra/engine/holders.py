"""Who works on a stack: the CLI's own locks, and beside each the command of ours that it runs for.

    .pulumi/locks/organization/mlp/<stack>/<id>.json    the CLI's: pid, username, hostname, timestamp
    .mlp/commands/<stack>/<host>-<pid>.json             ours: what was typed, by whom, since when

The CLI does not know what it runs for; a command of ours notes that before it starts the CLI and forgets it at the end.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra.engine.folder import StateFolder
from infra.engine.model import PROJECT


@dataclass(frozen=True)
class Lock:
    """One lock of the CLI."""

    name: str
    """In the state's folder."""
    stack: str
    user: str
    host: str
    pid: int
    since: str
    """UTC, ISO 8601 with a Z."""
    command: str = ""
    """What was typed; empty where it was no command of ours."""

    @property
    def who(self) -> str:
        """user@host, as a person names the lock."""
        return f"{self.user}@{self.host}"

    def __str__(self) -> str:
        what = f": `{self.command}`" if self.command else ""
        return f"{self.who}{what} (process {self.pid}, since {self.since})"

    @property
    def dead(self) -> bool | None:
        """Whether its process is gone; None where it ran on another machine, which can't be seen from here."""
        return not _is_pulumi(self.pid) if self.host == socket.gethostname() else None


@dataclass(frozen=True)
class Note:
    """What one process of ours is doing."""

    user: str
    host: str
    pid: int
    command: str
    since: str


def locks(folder: StateFolder, stack: str) -> tuple[Lock, ...]:
    """The locks on a stack, oldest first; files that are no locks are left out."""
    notes = _notes(folder, stack)
    found = []
    for name in folder.names(f".pulumi/locks/organization/{PROJECT}/{stack}/"):
        try:
            held = json.loads(folder.read(name) or "")
            lock = Lock(name, stack, held["username"], held["hostname"], int(held["pid"]), _stamp(held["timestamp"]))
        except (ValueError, KeyError, TypeError):
            continue
        found.append(Lock(**{**asdict(lock), "command": _command(lock, notes)}))
    return tuple(sorted(found, key=lambda lock: lock.since))


def _command(lock: Lock, notes: tuple[Note, ...]) -> str:
    """What was noted last on that machine by that person before the lock was taken."""
    before = [note for note in notes if (note.user, note.host) == (lock.user, lock.host) and note.since <= lock.since]
    return max(before, key=lambda note: note.since).command if before else ""


def _notes(folder: StateFolder, stack: str) -> tuple[Note, ...]:
    found = []
    for name in folder.names(f".mlp/commands/{stack}/"):
        try:
            found.append(Note(**json.loads(folder.read(name) or "")))
        except (ValueError, TypeError):
            continue
    return tuple(found)


@contextmanager
def noted(folder: StateFolder, stack: str, command: str) -> Iterator[None]:
    """Notes what this process does to a stack; an empty command notes nothing."""
    if not command:
        yield
        return
    note = Note(getpass.getuser(), socket.gethostname(), os.getpid(), command, _stamp(datetime.now(UTC).isoformat()))
    name = f".mlp/commands/{stack}/{note.host}-{note.pid}.json"
    folder.write(name, json.dumps(asdict(note)))
    try:
        yield
    finally:
        folder.delete(name)


def forget_dead_notes(folder: StateFolder, stack: str) -> None:
    """Drops notes of processes of this machine that are gone."""
    for name in folder.names(f".mlp/commands/{stack}/"):
        host, _, pid = name.rpartition("/")[2].removesuffix(".json").rpartition("-")
        if host == socket.gethostname() and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            folder.delete(name)


def _stamp(text: str) -> str:
    """Time in UTC to the second, so that stamps compare as text."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_pulumi(pid: int) -> bool:
    """Whether that process lives and is the CLI; its number may have gone to somebody else since, and where nobody
    reaps, a dead process keeps its entry."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields.get("Name", "").startswith("pulumi") and fields.get("State", "")[:1] not in {"Z", "X"}
