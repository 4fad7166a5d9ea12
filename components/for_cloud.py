"""Which components a cloud takes over, and what their settings say then. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from components.contract import Component, ComponentSettings

CloudKind = Literal["aws", "gcp", "azure"]
NOT_ON_CLOUDS = frozenset({"kubeflow-pipelines", "network"})
"""Their clusters bring a network of their own that enforces policies. Kubeflow Pipelines' server stores by S3 keys, and
the cloud identities of workspaces belong to their pods' account, not to its."""

ONLY_ON: Mapping[str, frozenset[CloudKind]] = {"autoscaling": frozenset({"aws"})}
"""Components for some clouds only. GKE and AKS scale their pools themselves; elsewhere nodes can't be ordered."""

_MANAGED = frozenset({"database", "storage", "volumes"})


def belongs(name: str, kind: CloudKind | None) -> bool:
    """Whether a component is for clusters of that cloud; None: for those that are no cloud's."""
    if kind is None:
        return name not in ONLY_ON
    return name not in NOT_ON_CLOUDS and kind in ONLY_ON.get(name, {kind})


def settings_for_cloud(component: Component[Any], settings: ComponentSettings, kind: CloudKind) -> ComponentSettings:
    """A component's settings on a cluster of that cloud: what a person chose, but for who runs it."""
    changes: dict[str, Any] = {}
    if component.name in _MANAGED:
        changes["managed"] = True
    elif component.name == "gateway":
        changes["exposure"] = "load-balancer"
    elif component.name == "tracking":
        changes["artifacts"] = "s3" if kind == "aws" else kind
    elif component.name == "control-plane":
        changes["storage"] = "s3" if kind == "aws" else kind
    return settings.model_copy(update=changes)
