"""Which components a cloud takes over, and what their settings say then. Pure."""

from __future__ import annotations

from typing import Any, Literal

from components.contract import Component, ComponentSettings

CloudKind = Literal["aws", "gcp", "azure"]
NOT_ON_CLOUDS = frozenset({"network"})
"""Their clusters bring a network of their own that enforces policies."""

_MANAGED = frozenset({"database", "storage", "volumes"})


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
