"""What a workspace gets for its training jobs: the way of an MPIJob's launcher to the API server. Pure."""

from __future__ import annotations

from components import kubernetes as k8s
from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts

_LAUNCHER = {
    "training.kubeflow.org/operator-name": "mpijob-controller",
    "training.kubeflow.org/replica-type": "launcher",
}


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """A launcher starts its processes in the workers' pods by `kubectl exec`, with the rights that its job gives it."""
    if not facts.mpi_jobs or workspace.suspended:
        return ()
    return (
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "allow-mpi-launcher", "namespace": workspace.namespace},
            "spec": {
                "podSelector": {"matchLabels": _LAUNCHER},
                "policyTypes": ["Egress"],
                "egress": k8s.to_api_server(facts.network.api_server_endpoints),
            },
        },
    )
