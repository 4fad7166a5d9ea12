"""What a workspace gets for notebooks: the hub's rights there, and the paths between hub and servers. Pure."""

from __future__ import annotations

from typing import Any

from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts
from components.names import SPAWNER_CLUSTER_ROLE
from components.notebooks.names import (
    HUB_PODS,
    NAME,
    NAMESPACE,
    PORT,
    SERVER_PODS,
    SERVER_PORT,
)

_RBAC = "rbac.authorization.k8s.io"


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """The binding goes with the workspace's suspension, as every binding and every opening does."""
    if facts.notebooks is None:
        return ()
    return (
        _object(
            workspace,
            f"{_RBAC}/v1",
            "RoleBinding",
            SPAWNER_CLUSTER_ROLE,
            roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": SPAWNER_CLUSTER_ROLE},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        ),
        _object(workspace, "networking.k8s.io/v1", "NetworkPolicy", "allow-notebooks", spec=_paths()),
    )


def _paths() -> dict[str, Any]:
    """The hub asks a new server whether it is up; servers ask the hub who their visitor is and report activity."""
    hub = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "podSelector": {"matchLabels": dict(HUB_PODS)},
    }
    return {
        "podSelector": {"matchLabels": dict(SERVER_PODS)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [hub], "ports": [{"protocol": "TCP", "port": SERVER_PORT}]}],
        "egress": [{"to": [hub], "ports": [{"protocol": "TCP", "port": PORT}]}],
    }


def _object(workspace: Workspace, api_version: str, kind: str, name: str, **content: Any) -> KubernetesObject:
    metadata = {"name": name, "namespace": workspace.namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
