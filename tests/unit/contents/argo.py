"""Statuses as Argo's controller writes them, for tests."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any


def node(kind: str, *children: str, phase: str = "Succeeded", second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "phase": phase,
        "children": list(children),
        "startedAt": f"2026-01-02T03:04:{second:02}Z",
        **more,
    }


def workflow(nodes: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Named `w`; nodes by id, whose displayed names are their ids where none is given."""
    shown = {key: {"id": key, "name": f"w.{key}", "displayName": key, **each} for key, each in nodes.items()}
    return {"metadata": {"name": "w"}, "spec": {}, "status": {"phase": "Running", "nodes": shown, **more}}


def packed(obj: dict[str, Any]) -> dict[str, Any]:
    """The same workflow as Argo keeps it when it is large."""
    status = dict(obj["status"])
    content = gzip.compress(json.dumps(status.pop("nodes")).encode())
    return {**obj, "status": {**status, "compressedNodes": base64.b64encode(content).decode()}}


def pod(name: str, node_id: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": {"workflows.argoproj.io/node-id": node_id}}}
