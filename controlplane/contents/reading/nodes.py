"""What Argo notes about the steps of a workflow, however it is kept. Pure.

People may write the status of their workflows, so nothing is taken for granted about it.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from components.contract import KubernetesObject
from controlplane.contents.model import ContentState
from controlplane.contents.reading import fields

PHASES = {
    "": ContentState.STARTING,
    "Pending": ContentState.STARTING,
    "Running": ContentState.RUNNING,
    "Succeeded": ContentState.SUCCEEDED,
    "Failed": ContentState.FAILED,
    "Error": ContentState.FAILED,
    "Skipped": ContentState.SUCCEEDED,
    "Omitted": ContentState.SUCCEEDED,
}
NODE_ID = "workflows.argoproj.io/node-id"
"""Annotation of a pod with the step that it runs."""
_UNPACKED = 32 * 1024 * 1024
"""Bytes. An object holds about one MiB at most; what unpacks to more is no status of Argo's."""
_GZIP = 31
"""zlib's sign for a gzip header."""

Node = Mapping[str, Any]


def nodes(obj: KubernetesObject) -> dict[str, Node]:
    """Nodes by id, in the order of their start. A large workflow keeps them packed."""
    found = fields.at(obj, "status", "nodes") or _unpacked(fields.text(obj, "status", "compressedNodes"))
    if not isinstance(found, Mapping):
        return {}
    kept = {key: node for key, node in found.items() if isinstance(key, str) and isinstance(node, Mapping)}
    return dict(sorted(kept.items(), key=lambda item: (fields.text(item[1], "startedAt") or "~", label(item[1]))))


def label(node: Node) -> str:
    """What people call it."""
    return fields.text(node, "displayName") or fields.text(node, "name")


def children(node: Node) -> tuple[str, ...]:
    """Ids, each once."""
    found = node.get("children")
    return tuple(dict.fromkeys(c for c in found if isinstance(c, str))) if isinstance(found, list) else ()


def _unpacked(text: str) -> Any:
    """None where it cannot be read."""
    if not text:
        return None
    try:
        unpacking = zlib.decompressobj(_GZIP)
        content = unpacking.decompress(base64.b64decode(text), _UNPACKED)
        return json.loads(content) if unpacking.eof else None
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
