"""ClusterRoles of tenants, and what the control plane itself may do. Rule lists as data, without wildcards.

None of the roles aggregates a stock role: `edit` and `admin` of Kubernetes may delete NetworkPolicies, mint service
account tokens and impersonate service accounts, and would take in every new kind by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.names import (
    CLUSTER_ROLE,
    DOMAIN,
    KUBEFLOW_PIPELINES_CLUSTER_ROLE,
    PEOPLE_CLUSTER_ROLE,
    PIPELINES_CLUSTER_ROLE,
    SERVING_CLUSTER_ROLE,
    SPAWNER_CLUSTER_ROLE,
    Role,
)

Rule = dict[str, Any]

WORKLOAD_CLUSTER_ROLE = "mlp-workload"
"""What the pods of a workspace may do, bound to its service account `workload`."""

STORAGE_SECRET = "storage"  # noqa: S105 - the name of the object, not its content
"""Secret of every workspace with its S3 access; the only secrets the control plane may touch."""

COMPONENT_CLUSTER_ROLES = (
    KUBEFLOW_PIPELINES_CLUSTER_ROLE,
    PIPELINES_CLUSTER_ROLE,
    SERVING_CLUSTER_ROLE,
    SPAWNER_CLUSTER_ROLE,
)
"""Roles of what components run in workspaces or for them, which the control plane binds in each workspace."""

_COMPONENT = "isolation"
_READ = ("get", "list", "watch")
_CHANGE = ("create", "update", "patch", "delete", "deletecollection")


def rule(group: str, resources: Iterable[str], verbs: Iterable[str], names: Iterable[str] = ()) -> Rule:
    """One RBAC rule."""
    made: Rule = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    return made | ({"resourceNames": list(names)} if names else {})


_RBAC = "rbac.authorization.k8s.io"
_LOOK = (
    rule("", ("namespaces",), ("get",)),
    rule("", ("pods", "pods/log", "pods/status", "services", "endpoints", "configmaps", "events",
              "persistentvolumeclaims", "serviceaccounts", "resourcequotas", "limitranges"), _READ),
    rule("apps", ("deployments", "replicasets", "statefulsets"), _READ),
    rule("batch", ("jobs", "cronjobs"), _READ),
    rule("autoscaling", ("horizontalpodautoscalers",), _READ),
    rule("policy", ("poddisruptionbudgets",), _READ),
    rule("networking.k8s.io", ("networkpolicies",), _READ),
    rule("discovery.k8s.io", ("endpointslices",), _READ),
    rule("events.k8s.io", ("events",), _READ),
    rule("coordination.k8s.io", ("leases",), _READ),
    rule(_RBAC, ("roles", "rolebindings"), _READ),
)  # fmt: skip
_WORK = (
    rule("", ("secrets",), _READ),
    rule("", ("pods", "services", "configmaps", "secrets", "persistentvolumeclaims"), _CHANGE),
    rule("", ("pods/exec", "pods/attach", "pods/portforward"), ("create", "get")),
    rule("", ("pods/eviction",), ("create",)),
    rule("apps", ("deployments", "statefulsets"), _CHANGE),
    rule("apps", ("deployments/scale", "statefulsets/scale"), ("get", "update", "patch")),
    rule("batch", ("jobs", "cronjobs"), _CHANGE),
    rule("autoscaling", ("horizontalpodautoscalers",), _CHANGE),
    rule("policy", ("poddisruptionbudgets",), _CHANGE),
    rule("networking.k8s.io", ("networkpolicies",), _CHANGE),
    rule("coordination.k8s.io", ("leases",), _CHANGE),
)
_LEAD = (
    rule("", ("serviceaccounts",), _CHANGE),
    rule(_RBAC, ("roles", "rolebindings"), _CHANGE),
)
_RUN = (
    rule("", ("pods", "pods/log", "configmaps"), _READ),
    rule("batch", ("jobs",), _READ),
)

CONTROL_PLANE_RULES: tuple[Rule, ...] = (
    rule("", ("namespaces",), (*_READ, "create", "patch", "delete")),
    rule("", ("resourcequotas", "limitranges", "serviceaccounts", "configmaps"),
         (*_READ, "create", "patch", "delete")),
    rule("networking.k8s.io", ("networkpolicies",), (*_READ, "create", "patch", "delete")),
    rule(_RBAC, ("rolebindings",), (*_READ, "create", "patch", "delete")),
    # It may give exactly these roles without holding them; with `escalate`, or as their holder, it could give more.
    rule(_RBAC, ("clusterroles",), ("bind",),
         (*CLUSTER_ROLE.values(), WORKLOAD_CLUSTER_ROLE, *COMPONENT_CLUSTER_ROLES)),
    # Of this one role it writes the rules; an admission policy says what they may be. By name it is made again, too.
    rule(_RBAC, ("clusterroles",), ("get", "create", "patch", "escalate"), (PEOPLE_CLUSTER_ROLE,)),
    # Reading and watching are bound to the name as well: lists are asked for with metadata.name=storage.
    rule("", ("secrets",), (*_READ, "create", "patch", "delete"), (STORAGE_SECRET,)),
    rule("", ("pods",), (*_READ, "deletecollection")),
    # Endpoints follow the aliases of their models: the version is written on them.
    rule("serving.kserve.io", ("inferenceservices",), ("list", "patch")),
    rule("apiregistration.k8s.io", ("apiservices",), ("get", "list")),
    rule("kueue.x-k8s.io", ("clusterqueues", "localqueues"), (*_READ, "create", "patch", "delete")),
    # To record searches in MLflow.
    rule("kubeflow.org", ("experiments", "trials"), ("get", "list")),
    rule("authentication.k8s.io", ("tokenreviews",), ("create",)),
    rule("authorization.k8s.io", ("subjectaccessreviews",), ("create",)),
    # What the admission policies ask for to tell the platform from everybody else.
    rule(DOMAIN, ("workspaces",), ("manage",)),
)  # fmt: skip
"""The control plane's ClusterRole. Writing outside of workspaces is refused to it by admission as well."""

_INSTANCE_RULES = (
    rule("apps", ("statefulsets",), (*_READ, "create", "patch", "delete")),
    rule("", ("services",), (*_READ, "create", "patch", "delete")),
)
"""For what runs in workspaces by their features."""


def control_plane_rules(features: bool) -> tuple[Rule, ...]:
    """`features`: whether a component is installed that runs something in workspaces that ask for it."""
    return (*CONTROL_PLANE_RULES, *(_INSTANCE_RULES if features else ()))


def cluster_roles(extra: Mapping[str, Sequence[Rule]]) -> tuple[KubernetesObject, ...]:
    """The tenants' roles and the workload's. `extra`: rules that components add, by name of the ClusterRole."""
    view, edit, admin = (CLUSTER_ROLE[role] for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN))
    lists: dict[str, tuple[Rule, ...]] = {
        view: _LOOK,
        edit: (*_LOOK, *_WORK),
        admin: (*_LOOK, *_WORK, *_LEAD),
        WORKLOAD_CLUSTER_ROLE: _RUN,
    }
    return tuple(
        k8s.obj(
            f"{_RBAC}/v1", "ClusterRole", _COMPONENT, name, namespaced=False,
            rules=[dict(each) for each in (*rules, *extra.get(name, ()))],
        )
        for name, rules in lists.items()
    )  # fmt: skip
