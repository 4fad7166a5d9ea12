"""The account by which people's calls reach the API server, and who may make its tokens. Pure.

No pod runs as it: the web application makes tokens of it, of the shortest life there is, and hands them to the gateway
with its answers; with one it starts pipelines in people's names (`controlplane.kube.people`). Its own account may do
other things in workspaces, so its own token stays with it.
"""

from __future__ import annotations

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.control_plane.placing import SYSTEM
from components.names import API_SERVICE_ACCOUNT, PEOPLE_CLUSTER_ROLE, PEOPLE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE

_RBAC = "rbac.authorization.k8s.io"
_MINT = "mlp-people-tokens"


def people_objects() -> tuple[KubernetesObject, ...]:
    """The ClusterRole comes without its rules: those are the control plane's to write (`isolation.people`)."""
    mint = {
        "apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"],
        "resourceNames": [PEOPLE_SERVICE_ACCOUNT],
    }  # fmt: skip
    return (
        k8s.service_account(SYSTEM, PEOPLE_SERVICE_ACCOUNT),
        k8s.obj(f"{_RBAC}/v1", "ClusterRole", SYSTEM, PEOPLE_CLUSTER_ROLE, namespaced=False),
        k8s.obj(
            f"{_RBAC}/v1", "ClusterRoleBinding", SYSTEM, PEOPLE_CLUSTER_ROLE, namespaced=False,
            roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": PEOPLE_CLUSTER_ROLE},
            subjects=[_account(PEOPLE_SERVICE_ACCOUNT)],
        ),
        k8s.obj(f"{_RBAC}/v1", "Role", SYSTEM, _MINT, rules=[mint]),
        k8s.obj(
            f"{_RBAC}/v1", "RoleBinding", SYSTEM, _MINT,
            roleRef={"apiGroup": _RBAC, "kind": "Role", "name": _MINT},
            subjects=[_account(API_SERVICE_ACCOUNT)],
        ),
    )  # fmt: skip


def _account(name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": SYSTEM_NAMESPACE}
