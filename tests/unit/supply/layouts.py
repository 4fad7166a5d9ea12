"""Image archives as different programs write them: small OCI layouts in tar files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.supply.media import (
    CONFIG_TYPE,
    DOCKER_CONFIG_TYPE,
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
)
from infra.supply.oci import CONTAINERD_NAME, REF_NAME

Descriptor = dict[str, Any]
DOCKER_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(name: str, content: bytes) -> bytes:
    """A layer with one file, not compressed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


@dataclass
class Writer:
    """Collects blobs and entries of index.json. `docker`: media types of Docker's second schema."""

    docker: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    entries: list[Descriptor] = field(default_factory=list)

    def blob(self, data: bytes, media_type: str) -> Descriptor:
        self.blobs[digest(data)] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def document(self, document: Mapping[str, Any], media_type: str) -> Descriptor:
        return self.blob(json.dumps(document).encode(), media_type)

    def image(self, layers: Sequence[bytes], architecture: str = "amd64", layer_type: str = "") -> Descriptor:
        """A manifest, its configuration and layers, which are kept as given; gzip is unpacked for their diff ids."""
        types = (DOCKER_CONFIG_TYPE, DOCKER_MANIFEST_TYPE) if self.docker else (CONFIG_TYPE, MANIFEST_TYPE)
        plain = [gzip.decompress(each) if each.startswith(b"\x1f\x8b") else each for each in layers]
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in plain]},
        }
        usual = DOCKER_LAYER_TYPE if self.docker else LAYER_TYPE
        manifest = {
            "schemaVersion": 2,
            "mediaType": types[1],
            "config": self.document(config, types[0]),
            "layers": [self.blob(each, layer_type or usual) for each in layers],
        }
        return self.document(manifest, types[1])

    def index(self, manifests: Iterable[Descriptor]) -> Descriptor:
        kind = DOCKER_LIST_TYPE if self.docker else INDEX_TYPE
        return self.document({"schemaVersion": 2, "mediaType": kind, "manifests": list(manifests)}, kind)

    def name(self, entry: Descriptor, containerd: str = "", ref: str = "") -> Writer:
        """Puts an entry into index.json."""
        names = {key: value for key, value in ((CONTAINERD_NAME, containerd), (REF_NAME, ref)) if value}
        self.entries.append({**entry, **({"annotations": names} if names else {})})
        return self

    def members(self) -> dict[str, bytes]:
        found = {f"blobs/sha256/{name.removeprefix('sha256:')}": data for name, data in self.blobs.items()}
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": self.entries}
        return {**found, "index.json": json.dumps(index).encode(), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def write(self, path: Path) -> Path:
        return pack(path, self.members())


def on(descriptor: Descriptor, architecture: str, os: str = "linux", **more: str) -> Descriptor:
    """The descriptor with its platform, as indexes have it."""
    return {**descriptor, "platform": {"architecture": architecture, "os": os, **more}}


def pack(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def docker_save(path: Path, name: str = "registry.example.com/team/app:1", content: bytes = b"app") -> Path:
    """`docker save NAME`: layers as they are unpacked, and Docker's own list beside index.json."""
    writer = Writer()
    entry = writer.image([layer("app", content)])
    writer.name(entry, containerd=name, ref=name.rpartition(":")[2])
    return pack(path, {**writer.members(), "manifest.json": b"[]", "repositories": b"{}"})


def skopeo_all(path: Path, name: str = "registry.example.com/team/app:1") -> Path:
    """`skopeo copy --all … oci-archive:FILE:NAME`: every platform, with statements about each."""
    writer = Writer()
    images = [
        on(writer.image([zipped(layer("app", arch.encode()))], arch, f"{LAYER_TYPE}+gzip"), arch)
        for arch in ("arm64", "amd64")
    ]
    statement = writer.document({"schemaVersion": 2, "config": writer.blob(b"{}", "x"), "layers": []}, MANIFEST_TYPE)
    return writer.name(writer.index([*images, on(statement, "unknown", "unknown")]), ref=name).write(path)


def ctr_export(path: Path, name: str = "registry.example.com/team/app:1") -> Path:
    """`ctr images export FILE NAME` of Docker's schema: the index lists a platform that was not written."""
    writer = Writer(docker=True)
    here = on(writer.image([zipped(layer("app", b"here"))]), "amd64")
    elsewhere = on(Writer(docker=True).image([b"elsewhere"], "arm64"), "arm64", variant="v8")
    return writer.name(writer.index([elsewhere, here]), containerd=name, ref=name.rpartition(":")[2]).write(path)
