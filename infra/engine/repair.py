"""What an interrupted run leaves in a state, and what a next run needs instead. Pure.

Pulumi notes a resource before it creates it. When the process dies in between, the note stays and every later run
warns about it. All our providers find what they have half made (the Kubernetes API by server-side apply, hosts by
their name), so the note can go and the create is simply done again. The exception is an object whose name was
generated: only the note knows the name. It becomes a resource that "failed to initialize", which makes the
engine update it, and an update finds or makes the object under that very name.
"""

from __future__ import annotations

import copy
from typing import Any

_INTERRUPTED = "the run that created this was interrupted"


def settle(deployment: dict[str, Any]) -> dict[str, Any]:
    """The state without unfinished operations. The input stays unchanged."""
    settled = copy.deepcopy(deployment)
    state = settled.get("deployment", {})
    known = {resource["urn"] for resource in state.get("resources") or []}
    for operation in state.pop("pending_operations", None) or []:
        resource = operation.get("resource", {})
        name = _generated_name(resource)
        if operation.get("type") == "creating" and name and resource.get("urn") not in known:
            kept = {**resource, "id": name, "initErrors": [_INTERRUPTED]}
            kept.setdefault("outputs", kept.get("inputs", {}))
            state.setdefault("resources", []).append(kept)
    return settled


def _generated_name(resource: dict[str, Any]) -> str | None:
    """`namespace/name` of a Kubernetes object that the plugin named itself."""
    if not str(resource.get("type", "")).startswith("kubernetes:"):
        return None
    metadata = resource.get("inputs", {}).get("metadata")
    if not isinstance(metadata, dict):
        return None
    annotations = metadata.get("annotations")
    name = metadata.get("name")
    if not isinstance(annotations, dict) or annotations.get("pulumi.com/autonamed") != "true":
        return None
    if not isinstance(name, str):
        return None
    namespace = metadata.get("namespace")
    return f"{namespace}/{name}" if isinstance(namespace, str) else name
