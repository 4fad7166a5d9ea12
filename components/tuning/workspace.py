"""What a workspace opens for tuning: the controller asks for suggestions, trials report what they observed. Pure."""

from __future__ import annotations

from components import kubernetes as k8s
from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts
from components.tuning.names import (
    CONTROLLER_PODS,
    MANAGER_PODS,
    MANAGER_PORT,
    NAMESPACE,
    SUGGESTION_LABEL,
    SUGGESTION_PORT,
    TRIAL_LABEL,
)


def workspace_objects(workspace: Workspace, _: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Suspended workspaces lose both with the other openings."""
    return (
        _policy(
            workspace,
            "allow-tuning-suggestions",
            {
                "podSelector": _having(SUGGESTION_LABEL),
                "policyTypes": ["Ingress"],
                "ingress": [
                    {"from": [k8s.peer(NAMESPACE, CONTROLLER_PODS)], "ports": k8s.ports(SUGGESTION_PORT)},
                ],
            },
        ),
        _policy(
            workspace,
            "allow-tuning-observations",
            {
                "podSelector": _having(TRIAL_LABEL),
                "policyTypes": ["Egress"],
                "egress": [{"to": [k8s.peer(NAMESPACE, MANAGER_PODS)], "ports": k8s.ports(MANAGER_PORT)}],
            },
        ),
    )


def _having(label: str) -> dict[str, object]:
    return {"matchExpressions": [{"key": label, "operator": "Exists"}]}


def _policy(workspace: Workspace, name: str, spec: dict[str, object]) -> KubernetesObject:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": workspace.namespace},
        "spec": spec,
    }
