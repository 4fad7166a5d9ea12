"""Image archives: an OCI image layout as one tar, streamed to a node or kept as a bundle for an air gap."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Collection, Iterable
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO

from infra.supply import oci
from infra.supply.errors import CorruptBlob
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


def load(store: BlobStore, path: Path) -> ImageSet:
    """Takes a bundle's blobs into the store and gives its images, under the names they were bundled with.

    Raises CorruptBlob where a blob does not match its name or is not there; the store then holds no damaged blob.
    """
    index: bytes | None = None
    with path.open("rb") as handle, tarfile.open(fileobj=handle, mode="r|", bufsize=_CHUNK) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None:
                continue
            if member.name == "index.json":
                index = content.read()
            elif member.name.startswith("blobs/sha256/"):
                _take(store, content, member, path)
    if index is None:
        raise CorruptBlob(f"{path} is no image bundle: it has no index.json. Make it with `platform images bundle`.")
    built = [_image(store, entry, path) for entry in json.loads(index)["manifests"]]
    return ImageSet({image.name: image for image in built})


def _take(store: BlobStore, content: IO[bytes], member: tarfile.TarInfo, path: Path) -> None:
    expected = Blob(f"sha256:{member.name.rpartition('/')[2]}", member.size)
    if store.has(expected):
        return
    found = store.write(lambda stream: _copy_expected(content, stream, expected, path))
    if found != expected:
        raise CorruptBlob(f"{path} is damaged: {member.name} holds {found.digest}. Copy the bundle again.")


def _copy_expected(content: IO[bytes], stream: BinaryIO, expected: Blob, path: Path) -> None:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
        stream.write(chunk)
    if f"sha256:{digest.hexdigest()}" != expected.digest:
        raise CorruptBlob(f"{path} is damaged: a blob does not match its name {expected.digest}. Copy it again.")


def _image(store: BlobStore, entry: dict[str, Any], path: Path) -> BuiltImage:
    manifest_blob = Blob(entry["digest"], entry["size"])
    _require(store, manifest_blob, path)
    manifest = json.loads(store.read(manifest_blob))
    image = BuiltImage(
        name=entry["annotations"][oci.MLP_NAME],
        reference=entry["annotations"][oci.CONTAINERD_NAME],
        manifest=manifest_blob,
        config=Blob(manifest["config"]["digest"], manifest["config"]["size"]),
        layers=tuple(Blob(layer["digest"], layer["size"]) for layer in manifest["layers"]),
    )
    for blob in image.blobs:
        _require(store, blob, path)
    return image


def _require(store: BlobStore, blob: Blob, path: Path) -> None:
    if not store.has(blob):
        raise CorruptBlob(f"{path} is incomplete: blob {blob.digest} is not in it. Copy the bundle again.")


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
