"""Image archives: an OCI image layout as one tar, streamed to a node or kept as a bundle for an air gap."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Collection, Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from infra.supply import oci
from infra.supply.model import Blob, BuiltImage, ImageSet
from infra.supply.store import BlobStore, disk_full_is_named
from infra.supply.tree import EPOCH

_CHUNK = 1 << 20


def write_archive(
    store: BlobStore,
    images: Iterable[BuiltImage],
    stream: BinaryIO,
    architecture: str,
    present_blobs: Collection[str] = (),
) -> None:
    """Writes a layout of `images` to `stream`, each blob once; fit for `ctr -n k8s.io images import -`.

    Layers whose digest is in `present_blobs` are left out: the receiver has them and finds them by digest.
    Raises CorruptBlob where stored content is damaged; what was written until then is no complete archive.
    """
    chosen = ImageSet({image.reference: image for image in images})
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_CHUNK) as archive:
        _add(archive, "oci-layout", oci.LAYOUT)
        _add(archive, "index.json", oci.index(chosen, architecture))
        documents = {image.manifest.digest for image in chosen} | {image.config.digest for image in chosen}
        for blob in chosen.blobs:
            if blob.digest in documents or blob.digest not in present_blobs:
                _add_blob(archive, store, blob)


def bundle(store: BlobStore, images: Iterable[BuiltImage], path: Path, architecture: str) -> None:
    """Writes the archive to `path` and a readable list of what is in it beside it (`<path>.index.json`)."""
    chosen = list(images)
    temporary = path.with_name(f".{path.name}.partial")
    with disk_full_is_named(path.parent):
        try:
            with temporary.open("wb") as handle:
                write_archive(store, chosen, handle, architecture)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        listing = [
            {"name": image.name, "reference": image.reference, "digest": image.digest, "size": image.size}
            for image in sorted(chosen, key=lambda image: image.reference)
        ]
        path.with_name(f"{path.name}.index.json").write_text(json.dumps({"images": listing}, indent=1) + "\n")


class _HashingReader:
    """Hashes while tarfile reads, so that a damaged blob is noticed without a second reading."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._handle.read(size)
        self.hash.update(data)
        return data


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    archive.addfile(_member(name, len(data)), BytesIO(data))


def _add_blob(archive: tarfile.TarFile, store: BlobStore, blob: Blob) -> None:
    with store.path(blob.digest).open("rb") as handle:
        reader = _HashingReader(handle)
        archive.addfile(_member(f"blobs/sha256/{blob.digest.removeprefix('sha256:')}", blob.size), reader)
    if f"sha256:{reader.hash.hexdigest()}" != blob.digest:
        raise store.damaged(blob)


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, EPOCH
    return info
