"""What an interrupted run leaves in a state, and what a next run needs instead. Pure.

Pulumi notes a resource before it creates it. When the process dies in between, the note stays and every later run
warns about it. Our own providers find what they have half made (the Kubernetes API by server-side apply, hosts by
their name), so the note can go and the create is simply done again. The exception is an object whose name was
generated: only the note knows the name. It becomes a resource that "failed to initialize", which makes the
engine update it, and an update finds or makes the object under that very name.

A cloud does not find what it has half made: a create that was done and not noted would be done again, and leave
something nobody knows. Where the resource's id follows from its inputs, it is taken up under that id, and the refresh
before the next run reads what is there: all of it, or nothing. Where the cloud makes up the id, the note stays until a
person decided (`platform repair`). An update or a deletion that was cut off needs nobody: the next refresh reads what
became of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from infra.engine.model import ResourceName
from infra.engine.names import resource_name

_INTERRUPTED = "the run that created this was interrupted"


_FINDS_AGAIN = ("kubernetes", "hosts")
"""Packages whose create finds what an earlier one left."""


Identify = Callable[[str, str, Mapping[str, Any]], str]
"""(type, name, inputs) → the id that the cloud gives this resource; empty where the cloud makes it up."""


def nothing(kind: str, name: str, inputs: Mapping[str, Any]) -> str:
    """No id follows from anything."""
    del kind, name, inputs
    return ""


@dataclass(frozen=True)
class Pending:
    """One operation that a killed run noted and did not end."""

    resource: ResourceName
    operation: str
    """creating, updating, deleting, reading or importing."""
    identity: str
    """The resource's id; empty where it was being created and the cloud makes ids up."""

    @property
    def settles(self) -> bool:
        """Whether the next run may go on as if nothing was noted."""
        finds = self.resource.kind.partition(":")[0] in _FINDS_AGAIN
        return self.operation != "creating" or finds or bool(self.identity)


def pending(checkpoint: dict[str, Any], identify: Identify = nothing) -> tuple[Pending, ...]:
    """The unfinished operations of a checkpoint or of an exported deployment."""
    state = checkpoint.get("deployment") or (checkpoint.get("checkpoint") or {}).get("latest") or {}
    return tuple(_pending(operation, identify) for operation in state.get("pending_operations") or [])


def _pending(operation: dict[str, Any], identify: Identify) -> Pending:
    resource = operation.get("resource") or {}
    name = resource_name(str(resource.get("urn", "")))
    identity = str(resource.get("id") or "")
    if not identity and operation.get("type") == "creating":
        identity = _generated_name(resource) or identify(name.kind, name.name, resource.get("inputs") or {})
    return Pending(name, str(operation.get("type", "")), identity)


def settle(deployment: dict[str, Any], *, drop: Collection[str] = (), identify: Identify = nothing) -> dict[str, Any]:
    """The exported state without unfinished operations that settle by themselves, and without those whose URN is in
    `drop`. The input stays unchanged. A refresh must follow."""
    settled = copy.deepcopy(deployment)
    state = settled.get("deployment", {})
    known = {resource["urn"] for resource in state.get("resources") or []}
    kept_operations = []
    for operation in state.pop("pending_operations", None) or []:
        resource = operation.get("resource", {})
        found = _pending(operation, identify)
        urn = resource.get("urn")
        if not found.settles and urn not in drop:
            kept_operations.append(operation)
        elif operation.get("type") == "creating" and found.identity and urn not in known and urn not in drop:
            kept = {**resource, "id": found.identity, "initErrors": [_INTERRUPTED]}
            kept.setdefault("outputs", kept.get("inputs", {}))
            state.setdefault("resources", []).append(kept)
    if kept_operations:
        state["pending_operations"] = kept_operations
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
