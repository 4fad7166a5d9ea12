"""Who may be given rights inside a workspace, and which credentials may not be made there."""

from __future__ import annotations

from components.isolation.policies.model import (
    CONTROLLER,
    PLATFORM,
    Match,
    Policy,
    Rule,
    each,
    quoted_list,
)
from components.isolation.rbac import WORKLOAD_CLUSTER_ROLE
from components.names import CLUSTER_ROLE, LABEL_TENANT

_NOT_PLATFORM = (("not-the-platform", f"!({PLATFORM}) && !({CONTROLLER})"),)
_IDENTITY_PREFIXES = ("eks.amazonaws.com/", "iam.gke.io/", "azure.workload.identity/")


def policies() -> tuple[Policy, ...]:
    """Roles, bindings, service accounts and secrets."""
    return (_roles(), _bindings(), _accounts(), _secrets())


def _roles() -> Policy:
    verbs = "!r.verbs.exists(v, v in ['*', 'escalate', 'bind', 'impersonate'])"
    groups = "(!has(r.apiGroups) || !r.apiGroups.exists(g, g == '*'))"
    forbidden = quoted_list(
        ("*", "serviceaccounts/token", "nodes/proxy", "pods/ephemeralcontainers", "pods/binding", "bindings")
    )
    resources = f"(!has(r.resources) || !r.resources.exists(x, x in {forbidden} || x.startsWith('*/')))"
    return Policy(
        name="mlp-roles",
        matches=(Match("rbac.authorization.k8s.io", ("roles",)),),
        conditions=_NOT_PLATFORM,
        rules=(
            Rule(
                "roles",
                each("object.rules", "r", f"{verbs} && {groups} && {resources}"),
                "the Role is refused: name each verb, API group and resource; escalate, bind, impersonate, "
                "service account tokens and wildcards are not given away",
            ),
        ),
    )


def _bindings() -> Policy:
    own_account = (
        "(s.kind == 'ServiceAccount' && (!has(s.apiGroup) || s.apiGroup == '')"
        " && has(s.namespace) && s.namespace == request.namespace)"
    )
    # The ':' at the end stops tenant `a` from naming groups of tenant `ab`.
    own_group = (
        f"(s.kind == 'Group' && s.name.startsWith('tenant:' + namespaceObject.metadata.labels['{LABEL_TENANT}'] + ':'))"
    )
    roles = quoted_list((*CLUSTER_ROLE.values(), WORKLOAD_CLUSTER_ROLE))
    return Policy(
        name="mlp-role-bindings",
        matches=(Match("rbac.authorization.k8s.io", ("rolebindings",)),),
        conditions=_NOT_PLATFORM,
        rules=(
            Rule(
                "role-bindings",
                each("object.subjects", "s", f"{own_account} || {own_group}"),
                "the RoleBinding is refused: rights go to this tenant's groups or this workspace's service accounts "
                "only; add people as members of the tenant",
            ),
            Rule(
                "role-bindings",
                f"object.roleRef.kind == 'Role' || object.roleRef.name in {roles}",
                "the RoleBinding is refused: bind a Role of this workspace or one of the tenant's cluster roles",
            ),
        ),
    )


def _accounts() -> Policy:
    prefixes = " || ".join(f"k.startsWith('{prefix}')" for prefix in _IDENTITY_PREFIXES)
    kept = "has(oldObject.metadata.annotations) && k in oldObject.metadata.annotations"
    same = f"({kept} && oldObject.metadata.annotations[k] == object.metadata.annotations[k])"
    return Policy(
        name="mlp-service-accounts",
        matches=(Match("", ("serviceaccounts",)),),
        conditions=_NOT_PLATFORM,
        rules=(
            Rule(
                "cloud-identity",
                f"!has(object.metadata.annotations) || object.metadata.annotations.all(k, !({prefixes})"
                f" || (request.operation == 'UPDATE' && {same}))",
                "cloud identities are set by the platform only: use the service account `workload`",
            ),
        ),
    )


def _secrets() -> Policy:
    types = "['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token']"
    return Policy(
        name="mlp-secrets",
        matches=(Match("", ("secrets",)),),
        conditions=_NOT_PLATFORM,
        rules=(
            Rule(
                "token-secrets",
                f"!has(object.type) || !(object.type in {types})",
                "Secrets with service account tokens are refused: they never expire; "
                "pods get short-lived tokens from a projected volume",
            ),
        ),
    )
