"""Who may do what in a workspace: bindings of the tenant's groups and of the workload account to fixed ClusterRoles."""

from __future__ import annotations

from components.contract import KubernetesObject
from components.isolation.rbac import WORKLOAD_CLUSTER_ROLE
from components.names import CLUSTER_ROLE, Role, tenant_group
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.common import WORKLOAD_ACCOUNT, namespaced

_RBAC = "rbac.authorization.k8s.io"


def role_bindings(spec: WorkspaceSpec) -> tuple[KubernetesObject, ...]:
    """One binding for each ClusterRole, so suspending changes subjects and drops bindings but never a roleRef.

    Suspended: every member may only look, and the workload account has no rights.
    """
    if spec.suspended:
        return (_groups(spec, Role.VIEWER, tuple(Role)),)
    workload = {"kind": "ServiceAccount", "name": WORKLOAD_ACCOUNT, "namespace": spec.namespace}
    return (
        *(_groups(spec, role, (role,)) for role in Role),
        _binding(spec, WORKLOAD_CLUSTER_ROLE, [workload]),
    )


def _groups(spec: WorkspaceSpec, granted: Role, to: tuple[Role, ...]) -> KubernetesObject:
    subjects = [{"apiGroup": _RBAC, "kind": "Group", "name": tenant_group(spec.tenant, role)} for role in to]
    return _binding(spec, CLUSTER_ROLE[granted], subjects)


def _binding(spec: WorkspaceSpec, cluster_role: str, subjects: list[dict[str, str]]) -> KubernetesObject:
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": cluster_role}
    return namespaced(
        f"{_RBAC}/v1", "RoleBinding", spec.namespace, cluster_role, roleRef=reference, subjects=subjects
    )  # fmt: skip
