"""The names that everything else agrees on: labels, field managers, namespaces, groups.

One label domain for the whole project. A name is made here from stable keys and is always valid; uniqueness of
tenant and workspace slugs is a database constraint, not a property of these functions.
"""

from __future__ import annotations

import re
from enum import StrEnum

DOMAIN = "mlp.io"

LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_NAME = "app.kubernetes.io/name"
LABEL_TENANT = f"{DOMAIN}/tenant"
LABEL_WORKSPACE = f"{DOMAIN}/workspace"
LABEL_COMPONENT = f"{DOMAIN}/component"
LABEL_GENERATION = f"{DOMAIN}/generation"
ANNOTATION_SPEC_HASH = f"{DOMAIN}/spec-hash"

MANAGED_BY = "mlp"
"""Value of LABEL_MANAGED_BY on objects the control plane owns in workspaces; nobody else may set it there."""

FIELD_MANAGER = "mlp-control-plane"
INSTALLER_FIELD_MANAGER = "mlp-installer"

SYSTEM_NAMESPACE = "mlp-system"
"""Namespace of the control plane itself; each component has one of its own (`component_namespace`)."""

CONTROL_PLANE_SERVICE_ACCOUNT = "control-plane"
CONTROL_PLANE_USER = f"system:serviceaccount:{SYSTEM_NAMESPACE}:{CONTROL_PLANE_SERVICE_ACCOUNT}"

API_SERVICE_ACCOUNT = "control-plane-api"
API_USER = f"system:serviceaccount:{SYSTEM_NAMESPACE}:{API_SERVICE_ACCOUNT}"
"""The web application, which people reach; the account above is its worker's and watcher's."""


def control_plane_pods(part: str) -> dict[str, str]:
    """Labels of the pods of `api`, `worker`, `watcher` or `queue`."""
    return {LABEL_NAME: f"control-plane-{part}", LABEL_COMPONENT: "control-plane"}


TUNING = "tuning"
"""The component whose searches the control plane records in MLflow."""

SLUG_MAX = 24
SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,23}")
"""A tenant or workspace slug: lower-case ASCII, no doubled or trailing dash. Match with `fullmatch`."""


class Role(StrEnum):
    """What a person may do in a tenant."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


CLUSTER_ROLE = {
    Role.ADMIN: "mlp-tenant-admin",
    Role.MEMBER: "mlp-tenant-edit",
    Role.VIEWER: "mlp-tenant-view",
}

SERVING_CLUSTER_ROLE = "mlp-serving-controller"
"""What KServe's controller may do in a workspace; bound there by the control plane."""
PIPELINES_CLUSTER_ROLE = "mlp-pipelines-controller"
"""What the pipelines' controller may do in a workspace; bound there by the control plane."""
SPAWNER_CLUSTER_ROLE = "mlp-notebooks-spawner"
"""What the notebooks' hub may do in a workspace; bound there by the control plane."""
KUBEFLOW_PIPELINES_CLUSTER_ROLE = "mlp-kubeflow-pipelines"
"""What a workspace's own instance of Kubeflow Pipelines may do there; bound by the control plane."""
PEOPLE_SERVICE_ACCOUNT = "people"
"""The account beside the control plane that speaks for people at the API server; no pod runs as it."""
PEOPLE_CLUSTER_ROLE = "mlp-people"
"""Its ClusterRole."""
PERSON_USER = "mlp:person"
"""User name of every person at the API server. Who it really is stands in the user's extra ACCOUNT_EXTRA; what is bound
to this user is everybody's who belongs to the platform."""
ACCOUNT_EXTRA = f"{DOMAIN}/account"
"""Key of that extra; its value is the account's name."""


def component_namespace(component: str) -> str:
    """The namespace a component is installed in, such as `mlp-tracking`."""
    return f"mlp-{component}"


def workspace_namespace(tenant: str, workspace: str) -> str:
    """`ws-<tenant>--<workspace>`: slugs hold no doubled dash, so two pairs never share a name. At most 53 long."""
    for slug in (tenant, workspace):
        if not SLUG.fullmatch(slug):
            raise ValueError(f"not a slug: {slug!r}")
    return f"ws-{tenant}--{workspace}"


def tenant_group(tenant: str, role: Role) -> str:
    """The Kubernetes group of a tenant's role. The trailing part keeps tenant `a` apart from `ab`."""
    return f"tenant:{tenant}:{role.value}"


def user_name(account: str) -> str:
    """The Kubernetes user name of a person or a token's owner."""
    return f"user:{account}"
