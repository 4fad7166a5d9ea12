"""One server for several processes, alive as long as any of them holds its lease.

A lease is a shared lock on `<folder>/users`. The first holder starts a keeper (a process of its own that starts the
server, writes `<folder>/ready.json` and then waits for the exclusive lock); the kernel drops the lock of a holder
that dies, so however a test run ends, the keeper gets the lock, stops the server and removes the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 90.0


class ServerFailed(RuntimeError):
    """The server did not start; the message ends with the last lines of its log."""


@contextmanager
def lease(folder: Path, module: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Holds the server that `python -m <module> <folder> <arguments>` keeps; gives what its ready.json says."""
    users = _join(folder)
    try:
        with (folder / "starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not (folder / "keeper.log").exists():
                _start_keeper(folder, module, arguments)
        yield _wait(folder)
    finally:
        os.close(users)


def _join(folder: Path) -> int:
    """The locked descriptor; begins again where a keeper removed the folder while we waited for the lock."""
    while True:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        users = os.open(folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            if (folder / "users").stat().st_ino == os.fstat(users).st_ino:
                return users
        except FileNotFoundError:
            pass
        os.close(users)


_keepers: list[subprocess.Popen[bytes]] = []


def _start_keeper(folder: Path, module: str, arguments: tuple[str, ...]) -> None:
    with (folder / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", module, str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
    _keepers.append(keeper)  # it outlives us on purpose; a forgotten Popen is a ResourceWarning


def _wait(folder: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (folder / "failed").exists():
            break
        if (folder / "ready.json").exists():
            ready: dict[str, Any] = json.loads((folder / "ready.json").read_text())
            return ready
        time.sleep(0.02)
    raise ServerFailed(f"the server in {folder} did not start:\n{_tail(folder / 'keeper.log')}")


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def keep(folder: Path, start: Callable[[], dict[str, Any]], stop: Callable[[], None]) -> None:
    """The keeper's whole life: start, announce, wait until nobody holds the lease, stop, tidy up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (folder / "users").open("r+") as users:
        try:
            ready = start()
            temporary = folder / ".ready.json"
            temporary.write_text(json.dumps(ready))
            temporary.rename(folder / "ready.json")
            fcntl.flock(users, fcntl.LOCK_EX)
        except BaseException:
            (folder / "failed").touch()
            raise
        finally:
            stop()
        shutil.rmtree(folder, ignore_errors=True)
