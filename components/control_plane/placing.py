"""The control plane's objects live in mlp-system, several workloads side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.control_plane.names import pods

SYSTEM = "system"
"""The name whose component namespace is mlp-system."""


def workload(part: str, config: str, spec: Mapping[str, Any], *, account: str) -> dict[str, Any]:
    """A pod template of one part; `config` is the digest of what it reads at start."""
    template = k8s.pod_template(SYSTEM, config, {**spec, "serviceAccountName": account})
    template["metadata"]["labels"] |= pods(part)
    return template


def deployment(part: str, template: Mapping[str, Any], *, replicas: int) -> KubernetesObject:
    """The Deployment `control-plane-<part>`."""
    made = k8s.deployment(SYSTEM, template, replicas=replicas)
    made["metadata"]["name"] = f"control-plane-{part}"
    made["metadata"]["labels"] |= pods(part)
    made["spec"]["selector"] = {"matchLabels": pods(part)}
    return made
