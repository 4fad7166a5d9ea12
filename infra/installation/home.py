"""The folder of one installation: what is where, and the lock that lets one command change it at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from infra.installation.errors import Busy, NotInstalled


def homes_root() -> Path:
    """`$MLP_HOME`, or ~/.mlp: one folder per installation below it."""
    return Path(os.environ.get("MLP_HOME") or Path.home() / ".mlp")


def cache_root() -> Path:
    """`$MLP_CACHE`, or ~/.cache/mlp: tools, image blobs and packages, shared by all installations."""
    return Path(os.environ.get("MLP_CACHE") or Path.home() / ".cache" / "mlp")


def expanded(path: str) -> Path:
    """A path as people write it in a profile: with `~` and `$VARIABLES`, relative ones from where the command runs."""
    return Path(os.path.expandvars(path)).expanduser()


class Home:
    """Paths below the installation's folder. Nothing is made until `create`."""

    def __init__(self, name: str, root: Path | None = None, source: str = "") -> None:
        self.name = name
        self.source = source or name
        """How the profile was named on the command line: its name, or a path."""
        self.path = (root or homes_root()) / name
        self.root_key = self.path / "root.key"
        self.pki = self.path / "pki"
        self.record = self.path / "steps.json"
        self.kubeconfig = self.path / "kubeconfig"
        self.logs = self.path / "logs"
        self.cli_token = self.path / "cli-token"
        self._lock = self.path / "lock"

    @property
    def exists(self) -> bool:
        return self.root_key.exists()

    def create(self) -> None:
        """Makes the folder, readable by its owner only. Idempotent."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        self.logs.mkdir(exist_ok=True)

    @property
    def flag(self) -> str:
        """What commands for this installation must add, with a leading space; empty for the default profile."""
        return "" if self.source == "local" else f" --profile {self.source}"

    @property
    def command(self) -> str:
        """What the command that holds the lock was called with, such as `up --profile aws`; empty where none does."""
        try:
            return str(json.loads(self._lock.read_text("utf-8"))["command"])
        except (OSError, ValueError, KeyError):
            return ""

    def require(self) -> None:
        """Raises NotInstalled where there is no installation."""
        if not self.exists:
            raise NotInstalled(f"There is no installation named {self.name!r}. Run: platform up{self.flag}")

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Holds the installation's lock; the kernel releases it when the process ends, however it ends.

        Raises Busy with the holder's command, process and start time.
        """
        self.create()
        with self._lock.open("a+", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                raise Busy(_busy(self.name, handle.read())) from None
            handle.seek(0)
            handle.truncate()
            started = datetime.now(UTC).isoformat(timespec="seconds")
            json.dump({"command": command, "pid": os.getpid(), "since": started}, handle)
            handle.flush()
            yield
            handle.seek(0)
            handle.truncate()


def write_private(path: Path, content: str | bytes) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _busy(name: str, holder: str) -> str:
    try:
        known = json.loads(holder)
        who = f"`platform {known['command']}` (process {known['pid']}, since {known['since']})"
    except (ValueError, KeyError):
        who = "another platform command"
    return f"{who} is changing installation {name!r}. Wait until it has ended, then run this again."
