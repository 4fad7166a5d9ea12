"""The tool cache: `tools/<name>/<version>/…`, a receipt beside each, published by renaming.

A tool counts as there when its receipt can be read, names the inputs asked for, and the file has the size it names. So
what a killed run left is never taken for a tool, and a run that has nothing to do only reads a few small files.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

RECEIPT = "receipt.json"
SEEN = "path.json"
POLL = 0.5
"""Seconds between two tries for the lock."""


@dataclass(frozen=True)
class Receipt:
    """What was published. `key` digests everything it was made from; paths are relative to the version's folder."""

    name: str
    version: str
    key: str
    executable: str
    size: int
    seconds: float
    env: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Variable → folders."""
    packages: tuple[str, ...] = ()
    """Debian packages and their versions that were unpacked."""


@dataclass(frozen=True)
class Seen:
    """The version that a file on PATH said, so that it is asked once. Another size, time or inode: another file.

    `version` is None where it does not say one.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int
    version: str | None


class Cache:
    """The folder of tools below the cache's root. Nothing is written until something is published."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tools = root / "tools"
        self.go_build = root / "go-build"
        """GOCACHE of our builds: some gigabytes, removed when they are done."""
        self._staging = self.tools / ".staging"
        self._lock = self.tools / ".lock"

    def folder(self, name: str, version: str) -> Path:
        """Where a tool's version lives. A Debian epoch is left out: a colon would break search paths."""
        return self.tools / name / version.split(":", 1)[-1]

    def receipt(self, name: str, version: str, key: str) -> Receipt | None:
        """The valid receipt of one version, or None."""
        return self._valid(self.folder(name, version), key)

    def newest(self, name: str, key: str) -> Receipt | None:
        """The valid receipt published last, of any version, or None."""
        try:
            folders = [entry for entry in (self.tools / name).iterdir() if entry.is_dir()]
        except FileNotFoundError:
            return None
        dated = [(_published(folder), receipt) for folder in folders if (receipt := self._valid(folder, key))]
        return max(dated, key=lambda pair: pair[0])[1] if dated else None

    def _valid(self, folder: Path, key: str) -> Receipt | None:
        try:
            raw = json.loads((folder / RECEIPT).read_bytes())
            receipt = Receipt(
                **{
                    **raw,
                    "env": {variable: tuple(parts) for variable, parts in raw["env"].items()},
                    "packages": tuple(raw["packages"]),
                }
            )
            size = (folder / receipt.executable).stat().st_size
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return receipt if receipt.key == key and receipt.size == size else None

    def seen(self, name: str, path: Path) -> Seen | None:
        """What this very file on PATH said when it was last asked, or None."""
        try:
            known = Seen(**json.loads((self.tools / name / SEEN).read_bytes()))
            status = path.stat()
        except (OSError, ValueError, TypeError):
            return None
        current = (str(path), status.st_size, status.st_mtime_ns, status.st_ino)
        return known if current == (known.path, known.size, known.mtime_ns, known.inode) else None

    def remember(self, name: str, path: Path, version: str | None) -> None:
        """Notes what a file on PATH said. A cache that can't be written is no reason to fail."""
        with contextlib.suppress(OSError):
            status = path.stat()
            seen = Seen(str(path), status.st_size, status.st_mtime_ns, status.st_ino, version)
            folder = self.tools / name
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / SEEN, asdict(seen))

    @contextmanager
    def locked(self, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Holds the one lock under which tools are made. `waiting` is called once where somebody else holds it.

        Staging folders that are there then belong to nobody and are removed.
        """
        self.tools.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as handle:
            told = False
            while not _try_lock(handle.fileno()):
                if waiting and not told:
                    waiting()
                    told = True
                time.sleep(POLL)
            shutil.rmtree(self._staging, ignore_errors=True)
            yield

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder on the cache's own file system, gone afterwards."""
        self._staging.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._staging))
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, made: Path, receipt: Receipt) -> Path:
        """Moves what was made (a folder that holds `receipt.executable`) into place and gives its new folder.

        An older publication of the same version is moved aside first; programs that run from it keep their files.
        """
        target = self.folder(receipt.name, receipt.version)
        _write(made / RECEIPT, asdict(receipt))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            with self.staging() as aside:
                target.rename(aside / "old")
                made.rename(target)
        else:
            made.rename(target)
        return target

    def trim(self) -> None:
        """Removes the Go build cache, unless a build is under way."""
        if not self.go_build.exists():
            return
        with self._lock.open("w") as handle:
            if _try_lock(handle.fileno()):
                shutil.rmtree(self.go_build, ignore_errors=True)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _published(folder: Path) -> int:
    return (folder / RECEIPT).stat().st_mtime_ns


def _write(path: Path, document: Mapping[str, object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(document, indent=1) + "\n")
    temporary.replace(path)
