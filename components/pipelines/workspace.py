"""What a workspace gets to run pipelines: the controller's rights there, and where artifacts go. Pure."""

from __future__ import annotations

import json

from components import kubernetes as k8s
from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts
from components.isolation.rbac import STORAGE_SECRET
from components.names import PIPELINES_CLUSTER_ROLE, component_namespace
from components.pipelines.names import NAME, WORKFLOW_LABEL

ARTIFACTS = "artifact-repositories"
"""ConfigMap that Argo looks for in the namespace of every workflow."""
_DEFAULT = "default"
_RBAC = "rbac.authorization.k8s.io"


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Suspended: the controller has no rights, so nothing starts."""
    return (*_binding(workspace), _api_server(workspace, facts), *_artifacts(workspace, facts))


def _binding(workspace: Workspace) -> tuple[KubernetesObject, ...]:
    if workspace.suspended:
        return ()
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": PIPELINES_CLUSTER_ROLE, "namespace": workspace.namespace},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": PIPELINES_CLUSTER_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": component_namespace(NAME)}],
    }
    return (binding,)


def _api_server(workspace: Workspace, facts: PlatformFacts) -> KubernetesObject:
    """Executors report what came out of a step to the API server. Policies know pods, not containers; the step's own
    ones have no token."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "allow-pipelines", "namespace": workspace.namespace},
        "spec": {
            "podSelector": {"matchExpressions": [{"key": WORKFLOW_LABEL, "operator": "Exists"}]},
            "policyTypes": ["Egress"],
            "egress": k8s.to_api_server(facts.network.api_server_endpoints),
        },
    }


def _artifacts(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """In the workspace's own bucket of the storage inside, with the workspace's own keys."""
    if facts.storage is None:
        return ()
    scheme, _, endpoint = facts.storage.url.partition("://")
    s3 = {
        "endpoint": endpoint,
        "insecure": scheme == "http",
        "bucket": workspace.namespace,
        "region": facts.storage_region,
        "keyFormat": "pipelines/{{workflow.name}}/{{pod.name}}",
        "accessKeySecret": {"name": STORAGE_SECRET, "key": "AWS_ACCESS_KEY_ID"},
        "secretKeySecret": {"name": STORAGE_SECRET, "key": "AWS_SECRET_ACCESS_KEY"},
    }
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": ARTIFACTS,
            "namespace": workspace.namespace,
            "annotations": {"workflows.argoproj.io/default-artifact-repository": _DEFAULT},
        },
        "data": {_DEFAULT: json.dumps({"archiveLogs": True, "s3": s3}, indent=1)},
    }
    return (config,)
