"""An OCI image layout in a tar file, as docker, skopeo, ctr, podman and `platform images bundle` write it.

Opening reads the members' headers and passes over their content, so it takes as long for 10 GiB as for 10 MiB.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from infra.supply.documents import BadDocument, Index, parsed
from infra.supply.errors import BadArchive, CorruptBlob
from infra.supply.model import Blob

_CHUNK = 1 << 20
_INDEX = "index.json"
_MAX_DOCUMENT = 4 << 20
"""Bytes: what registries take at most for a manifest."""

_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
"""First bytes of a file → the program that packed it."""

HOW = (
    "Write one with docker save of version 25 or newer, skopeo copy … oci-archive:FILE:NAME:TAG, ctr images export, "
    "or podman save --format oci-archive."
)


class LayoutFile:
    """Blobs of the layout by digest. Messages name the file; nothing of it is trusted before its digest fits."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        """Raises BadArchive where it is no layout, TarError where it ends too early."""
        self.path = path
        self._tar = tar
        self._members = {posixpath.normpath(member.name): member for member in tar if member.isreg()}
        if _INDEX not in self._members:
            raise BadArchive(self._no_layout())

    def index(self) -> Index:
        """What `index.json` says. Raises BadArchive."""
        try:
            return parsed(Index, self._read(_INDEX))
        except BadDocument as error:
            raise BadArchive(f"{self.path} is damaged: its {_INDEX} can't be read ({error}). Write it again.") from None

    def has(self, blob: Blob) -> bool:
        """Whether there is a blob of that name and size."""
        member = self._members.get(_name(blob))
        return member is not None and member.size == blob.size

    def require(self, blob: Blob) -> None:
        """Raises CorruptBlob where the blob is not there whole."""
        if not self.has(blob):
            raise CorruptBlob(f"{self.path} is incomplete: blob {blob.digest} is not in it. Write or copy it again.")

    def document(self, blob: Blob) -> bytes:
        """A small blob, checked. Raises BadArchive, or CorruptBlob where it is not there or another."""
        self.require(blob)
        data = self._read(_name(blob))
        if f"sha256:{sha256(data).hexdigest()}" != blob.digest:
            raise self.damaged(blob)
        return data

    def copy(self, blob: Blob, stream: BinaryIO) -> None:
        """Writes a blob to `stream` without a look at its content. Raises BadArchive or CorruptBlob."""
        self.require(blob)
        for chunk in self._pieces(_name(blob)):
            stream.write(chunk)

    def damaged(self, blob: Blob) -> CorruptBlob:
        """The error to raise for content that is not what its name says."""
        return CorruptBlob(
            f"{self.path} is damaged: blob {blob.digest} holds something else. Write or copy the file again."
        )

    def _read(self, name: str) -> bytes:
        size = self._members[name].size
        if size > _MAX_DOCUMENT:
            raise BadArchive(f"{self.path} is no image archive: {name} in it has {size >> 20} MiB. {HOW}")
        return b"".join(self._pieces(name))

    def _pieces(self, name: str) -> Iterator[bytes]:
        source = self._tar.extractfile(self._members[name])
        try:
            while source is not None and (chunk := source.read(_CHUNK)):
                yield chunk
        except (tarfile.TarError, OSError) as error:
            raise BadArchive(f"{self.path} can't be read to its end: {error}. Write or copy it again.") from error

    def _no_layout(self) -> str:
        if "manifest.json" in self._members:
            return (
                f"{self.path} is in Docker's older format, which names no digests. Write it with docker save of "
                f"version 25 or newer, or convert it: skopeo copy docker-archive:{self.path} oci-archive:FILE:NAME:TAG."
            )
        return f"{self.path} is no OCI image layout: it has no {_INDEX}. {HOW}"


@contextmanager
def opened(path: Path) -> Iterator[LayoutFile]:
    """The layout in the file. Raises BadArchive where there is none, or the file can't be read to its end."""
    with _handle(path) as handle, _tar(path, handle) as tar:
        try:
            layout = LayoutFile(path, tar)
        except tarfile.TarError:
            raise BadArchive(f"{path} ends too early or is damaged. Write or copy it again.") from None
        yield layout


def _handle(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise BadArchive(f"There is no image archive at {path}. Put it there or change supply.archives.") from None
    except IsADirectoryError:
        raise BadArchive(f"{path} is a folder. Pack the layout in it: tar -C {path} -cf FILE .") from None
    except OSError as error:
        raise BadArchive(f"{path} can't be read: {error.strerror}.") from error


def _tar(path: Path, handle: BinaryIO) -> tarfile.TarFile:
    begin = handle.read(8)
    packer = next((name for magic, name in _COMPRESSED.items() if begin.startswith(magic)), "")
    if packer:
        raise BadArchive(f"{path} is compressed with {packer}. Unpack the file first.")
    handle.seek(0)
    try:
        return tarfile.open(fileobj=handle, mode="r:")
    except tarfile.TarError:
        raise BadArchive(f"{path} is no tar file. {HOW}") from None


def _name(blob: Blob) -> str:
    return f"blobs/sha256/{blob.digest.removeprefix('sha256:')}"
