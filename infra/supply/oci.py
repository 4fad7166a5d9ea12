"""The JSON documents of an image (OCI image specification 1.0) and its names, as pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from components.images import Image, PythonPackages, SourceTree
from infra.supply.media import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE
from infra.supply.model import Blob, BuiltImage
from infra.supply.tree import EPOCH

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'

CONTAINERD_NAME = "io.containerd.image.name"
"""containerd's importer takes an image's full name from this annotation of index.json and asks for no other."""
REF_NAME = "org.opencontainers.image.ref.name"

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CREATED = datetime.fromtimestamp(EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reference(image: Image, registry: str, digest: str) -> str:
    """`<registry>/<name>:<version>`, with 12 digits of the digest after it unless the image's tag is fixed.

    A tag derived from content never names two contents, so a node that has the name has the image.
    """
    tag = image.version if image.tag == "fixed" else f"{image.version}-{digest.removeprefix('sha256:')[:12]}"
    return f"{registry.rstrip('/')}/{image.name}:{tag}"


def config(image: Image, layers: Sequence[Blob], architecture: str) -> bytes:
    """The image's configuration document."""
    runtime: dict[str, Any] = {
        "User": image.user,
        "Env": [f"{key}={value}" for key, value in sorted(environment(image).items())],
        "WorkingDir": image.workdir,
        "Labels": {"org.opencontainers.image.title": image.name, "org.opencontainers.image.version": image.version},
    }
    if image.entrypoint:
        runtime["Entrypoint"] = list(image.entrypoint)
    if image.command:
        runtime["Cmd"] = list(image.command)
    return dump(
        {
            "architecture": architecture,
            "os": "linux",
            "created": _CREATED,
            "config": runtime,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
    )


def environment(image: Image) -> dict[str, str]:
    """The image's variables: a search path, Python's where the image has project or package code, then its own."""
    has_python = any(
        isinstance(layer, PythonPackages) or (isinstance(layer, SourceTree) and layer.dest == "/opt/python")
        for layer in image.layers
    )
    if not has_python:
        return {"PATH": _SYSTEM_PATH, **image.env}
    return {
        "PATH": f"/opt/python/bin:{_SYSTEM_PATH}",
        "PYTHONPATH": "/opt/python",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **image.env,
    }


def manifest(config_blob: Blob, layers: Sequence[Blob]) -> bytes:
    """The image's manifest; its digest is the image's."""
    return dump(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, config_blob),
            "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
        }
    )


def index(images: Iterable[BuiltImage], architecture: str) -> bytes:
    """index.json of a layout that holds `images`, with the names under which they are imported."""
    return dump(
        {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [
                {
                    **_descriptor(image.media_type, image.manifest),
                    "platform": {"architecture": architecture, "os": "linux"},
                    "annotations": {
                        CONTAINERD_NAME: image.reference,
                        REF_NAME: image.reference.rpartition(":")[2],
                    },
                }
                for image in sorted(images, key=lambda image: image.reference)
            ],
        }
    )


def dump(document: dict[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces, so that equal documents have equal digests."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(media_type: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}
