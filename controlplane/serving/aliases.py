"""What an InferenceService should say of its model's version, from what its alias points to. Pure.

An endpoint that admission held back is let start by the same patch that writes the version.

The version is written on the predictor's pods, with the address it was told for. A change of it rolls the Deployment;
every pod of one rollout loads the version that stands on it, also when it starts again after the alias moved on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from components.contract import KubernetesObject
from components.serving.names import (
    ANNOTATION_HELD,
    ANNOTATION_RUN,
    ANNOTATION_SOURCE,
    ANNOTATION_STATUS,
    ANNOTATION_STOP,
    ANNOTATION_VERSION,
)
from controlplane.tracking.registry import ModelVersion

_URI = re.compile(r"models:/+(?P<model>[^/:@]+)@(?P<alias>[\w-]+)")
_WORKSPACE = "ws-"
_LONGEST = 400
"""Characters of a status; messages of others may be long."""


@dataclass(frozen=True)
class Followed:
    """An InferenceService that follows an alias."""

    namespace: str
    name: str
    uri: str
    model: str
    alias: str
    pods: dict[str, str]
    """Our annotations on the predictor's pods, as they are."""
    status: str
    held: bool = False
    """Whether it waits for its first version to start."""

    @property
    def pinned(self) -> str:
        """The version that its pods were told for this very address; empty for none."""
        return self.pods.get(ANNOTATION_VERSION, "") if self.pods.get(ANNOTATION_SOURCE) == self.uri else ""


def followed(obj: KubernetesObject) -> Followed | None:
    """None: it follows no alias, is going, or is not in a workspace."""
    meta = obj["metadata"]
    predictor = (obj.get("spec") or {}).get("predictor") or {}
    match = _URI.fullmatch(_storage_uri(predictor))
    if match is None or meta.get("deletionTimestamp") or not str(meta["namespace"]).startswith(_WORKSPACE):
        return None
    notes, own = predictor.get("annotations") or {}, meta.get("annotations") or {}
    pods = {key: notes[key] for key in (ANNOTATION_SOURCE, ANNOTATION_VERSION, ANNOTATION_RUN) if key in notes}
    return Followed(
        meta["namespace"], meta["name"], match[0], match["model"], match["alias"], pods,
        own.get(ANNOTATION_STATUS, ""), is_held(obj),
    )  # fmt: skip


def is_held(obj: KubernetesObject) -> bool:
    """Whether admission stopped it until its version is known."""
    notes = obj["metadata"].get("annotations") or {}
    return notes.get(ANNOTATION_HELD) == "true"


def released() -> KubernetesObject:
    """A merge patch that lets it start."""
    return {"metadata": {"annotations": {ANNOTATION_STOP: None, ANNOTATION_HELD: None}}}


def _storage_uri(predictor: dict[str, Any]) -> str:
    """Of the model; the old way of one field for each framework is rewritten by KServe itself."""
    return str((predictor.get("model") or {}).get("storageUri") or "")


def pinned(endpoint: Followed, version: ModelVersion) -> KubernetesObject | None:
    """A merge patch that makes its pods load that version; None where all is said already."""
    wanted = {ANNOTATION_SOURCE: endpoint.uri, ANNOTATION_VERSION: version.version}
    if version.run:
        wanted[ANNOTATION_RUN] = version.run
    status = f"Serves version {version.version} of {endpoint.model}, to which {endpoint.alias} points."
    if endpoint.pods == wanted and endpoint.status == status and not endpoint.held:
        return None
    # A run that is said of an earlier version must go.
    said = {ANNOTATION_RUN: None, **wanted}
    patch = _patch(status)
    if endpoint.held:
        patch["metadata"]["annotations"] |= released()["metadata"]["annotations"]
    return patch | {"spec": {"predictor": {"annotations": said}}}


def unresolved(endpoint: Followed, why: str) -> KubernetesObject | None:
    """A merge patch that says why the alias leads nowhere. What is served stays; None where it is said already."""
    keeps = f" Version {endpoint.pinned} stays." if endpoint.pinned else ""
    keeps += " It starts once the alias leads to a version." if endpoint.held else ""
    status = f"{why.strip().rstrip('.')[:_LONGEST]}.{keeps}"
    return None if endpoint.status == status else _patch(status)


def _patch(status: str) -> KubernetesObject:
    return {"metadata": {"annotations": {ANNOTATION_STATUS: status}}}
