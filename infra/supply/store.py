"""The blob store in the cache: content by digest, and which recipe gave which blob.

    images/blobs/sha256/<hex>   blobs
    images/recipes/<key>.json   recipe → blob, with its receipt (what went in, how long it took)
    images/roots/<hex>/         the unpacked Debian base that layers are built against
    images/work/                unfinished work; emptied by the next build
    images/lock                 one build at a time

A blob appears under its name whole or not at all.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from infra.supply.errors import CorruptBlob, DiskFull
from infra.supply.model import Blob

_CHUNK = 1 << 20


@dataclass(frozen=True)
class LayerRecord:
    """A built layer. `receipt` names what went in (package versions); `seconds` is what building took."""

    blob: Blob
    title: str
    seconds: float
    receipt: dict[str, Any] = field(default_factory=dict)


class _HashingWriter:
    """Counts and hashes what is written to a file."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._handle.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class BlobStore:
    """Blobs and recipes below one folder. Nothing is made until something is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"
        self._recipes = root / "recipes"
        self._roots = root / "roots"
        self._work = root / "work"

    def path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def base_root(self, digest: str) -> Path:
        """Where the unpacked layer `digest` lives; the caller unpacks it."""
        return self._roots / digest.removeprefix("sha256:")

    def has(self, blob: Blob) -> bool:
        """Whether the blob is there with its size. Content is checked where an archive is written."""
        try:
            return self.path(blob.digest).stat().st_size == blob.size
        except FileNotFoundError:
            return False

    def write(self, fill: Callable[[BinaryIO], None], expected: Blob | None = None) -> Blob:
        """Stores what `fill` writes. An interrupted or failed `fill` leaves nothing.

        Raises CorruptBlob where something is `expected` and this is not it.
        """
        with disk_full_is_named(self.root):
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._work.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._work, prefix="blob-")
            temporary = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    writer = _HashingWriter(handle)
                    fill(cast(BinaryIO, writer))
                if expected is not None and Blob(writer.digest, writer.size) != expected:
                    raise CorruptBlob(f"What was written is {writer.digest}, not {expected.digest}.")
                temporary.chmod(0o644)
                temporary.replace(self.path(writer.digest))
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return Blob(writer.digest, writer.size)

    def put(self, data: bytes) -> Blob:
        """Stores a document; an equal one is not written again."""
        blob = Blob(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
        return blob if self.has(blob) else self.write(lambda stream: _ignore(stream.write(data)))

    def read(self, blob: Blob) -> bytes:
        return self.path(blob.digest).read_bytes()

    def damaged(self, blob: Blob) -> CorruptBlob:
        """Forgets a blob whose content was found not to match, and gives the error to raise."""
        self.path(blob.digest).unlink(missing_ok=True)
        return CorruptBlob(
            f"Image blob {blob.digest} in {self._blobs} did not match its digest. "
            "It was removed; run the same command again, which makes it anew."
        )

    def recipe(self, key: str) -> LayerRecord | None:
        """The layer that recipe `key` gave, or None where it was never built or its blob has gone."""
        try:
            document = json.loads((self._recipes / f"{key}.json").read_bytes())
            blob = Blob(document["digest"], document["size"])
            record = LayerRecord(blob, document["title"], document["seconds"], document["receipt"])
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return record if self.has(blob) else None

    def remember(self, key: str, record: LayerRecord) -> None:
        """Records that recipe `key` gave this layer."""
        document = {
            "digest": record.blob.digest,
            "size": record.blob.size,
            "title": record.title,
            "seconds": round(record.seconds, 2),
            "receipt": record.receipt,
        }
        write_whole(self._recipes / f"{key}.json", json.dumps(document, indent=1, sort_keys=True).encode())

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Holds the build lock, which the kernel releases on any end; calls `waiting` once where it is taken."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            self._empty_work()
            yield

    @contextmanager
    def work_folder(self) -> Iterator[Path]:
        """A folder for one layer's work, removed at the end. Only below `locked`."""
        self._work.mkdir(parents=True, exist_ok=True)
        with disk_full_is_named(self.root):
            folder = Path(tempfile.mkdtemp(dir=self._work))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def prune(self, keep: Collection[str]) -> int:
        """Removes blobs not in `keep` (digests) and what refers to them; gives the bytes freed. Only below `locked`."""
        freed = 0
        for path in self._blobs.glob("*"):
            if f"sha256:{path.name}" not in keep:
                freed += path.stat().st_size
                path.unlink()
        for path in self._recipes.glob("*.json"):
            if self.recipe(path.stem) is None:
                path.unlink()
        for path in self._roots.glob("*"):
            if f"sha256:{path.name}" not in keep:
                shutil.rmtree(path)
        return freed

    def _empty_work(self) -> None:
        if self._work.exists():
            shutil.rmtree(self._work)


class FileDigests:
    """SHA-256 of large files, remembered by path, size, change time and inode so that unchanged ones are not read."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        try:
            self._known: dict[str, dict[str, Any]] = json.loads(memory.read_bytes())
        except (FileNotFoundError, ValueError):
            self._known = {}

    def of(self, path: Path) -> str:
        """`sha256:<hex>` of the file. Raises FileNotFoundError."""
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._known.get(str(path))
        if known and known["stamp"] == stamp:
            return str(known["digest"])
        digest = content_digest(path)
        self._known[str(path)] = {"stamp": stamp, "digest": digest}
        write_whole(self._memory, json.dumps(self._known, indent=1, sort_keys=True).encode())
        return digest


def content_digest(path: Path) -> str:
    """`sha256:<hex>` of a file, read now."""
    with path.open("rb") as handle:
        return f"sha256:{hashlib.file_digest(handle, 'sha256').hexdigest()}"


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    with disk_full_is_named(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def disk_full_is_named(folder: Path) -> Iterator[None]:
    """Turns ENOSPC into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        raise DiskFull(
            f"No space left for images in {folder} ({shutil.disk_usage(existing).free >> 20} MiB free). "
            "Free some disk space or set MLP_CACHE to a folder on a larger disk (a full set with its work takes about "
            "4 GiB), then run again: finished layers are kept."
        ) from error


def _ignore(_: object) -> None:
    return None
