"""What a workspace gets so that KServe may run endpoints in it. Pure."""

from __future__ import annotations

from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts
from components.names import SERVING_CLUSTER_ROLE, component_namespace
from components.serving.names import NAME

_RBAC = "rbac.authorization.k8s.io"


def workspace_objects(workspace: Workspace, _: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """The controller's rights there. Suspended: it has none, so nothing starts."""
    if workspace.suspended:
        return ()
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": SERVING_CLUSTER_ROLE, "namespace": workspace.namespace},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": SERVING_CLUSTER_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": component_namespace(NAME)}],
    }
    return (binding,)
