"""Service accounts of a workspace and its storage credentials."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from components.contract import KubernetesObject
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.common import STORAGE_SECRET, WORKLOAD_ACCOUNT, namespaced


def service_accounts(
    spec: WorkspaceSpec, identity: Mapping[str, str] | None = None
) -> tuple[KubernetesObject, KubernetesObject]:
    """No token is mounted by itself: a pod that needs one asks for a projected, short-lived one.

    `identity`: annotations by which the workload account has a cloud identity; `default` never has one.
    """
    default, workload = (
        namespaced("v1", "ServiceAccount", spec.namespace, name, automountServiceAccountToken=False)
        for name in ("default", WORKLOAD_ACCOUNT)
    )
    if identity:
        workload["metadata"]["annotations"] = dict(identity)
    return default, workload


def storage_secret(spec: WorkspaceSpec, environment: Mapping[str, str]) -> KubernetesObject:
    """`environment` as it goes into a pod by `envFrom`. Immutable: a rotation replaces the object."""
    data = {name: base64.b64encode(value.encode()).decode() for name, value in sorted(environment.items())}
    return namespaced("v1", "Secret", spec.namespace, STORAGE_SECRET, type="Opaque", immutable=True, data=data)
