"""Everything one workspace consists of in the cluster: a pure function of its record and the installation's facts."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

from components.contract import KubernetesObject
from components.facts import PlatformFacts
from components.names import (
    ANNOTATION_SPEC_HASH,
    LABEL_GENERATION,
    LABEL_MANAGED_BY,
    LABEL_TENANT,
    LABEL_WORKSPACE,
    MANAGED_BY,
)
from controlplane.reconcile.compare import content_hash
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.accounts import service_accounts, storage_secret
from controlplane.reconcile.objects.namespace import namespace
from controlplane.reconcile.objects.network import network_policies
from controlplane.reconcile.objects.quotas import limits, quotas
from controlplane.reconcile.objects.rbac import role_bindings

_WITHDRAWN = frozenset({"NetworkPolicy", "Role", "RoleBinding"})
"""Kinds of component objects that a suspended workspace loses: each opens something."""


def desired_objects(
    spec: WorkspaceSpec,
    facts: PlatformFacts,
    extra: Iterable[KubernetesObject] = (),
    storage: Mapping[str, str] | None = None,
    identity: Mapping[str, str] | None = None,
) -> tuple[KubernetesObject, ...]:
    """The namespace first, then the rest in no order that matters.

    `extra` is what the components add (`Component.workspace_objects`), `storage` the environment with the workspace's
    bucket and credentials, None where there is no object storage; `identity`: see `service_accounts`. Inputs stay
    unchanged. ValueError for a component object that lies outside the workspace's namespace or takes a name of ours.
    """
    objects = [
        namespace(spec, facts),
        *quotas(spec, facts),
        limits(spec),
        *network_policies(spec, facts),
        *service_accounts(spec, identity),
        *role_bindings(spec),
    ]
    if storage is not None:
        objects.append(storage_secret(spec, storage))
    for obj in extra:
        if not (spec.suspended and obj["kind"] in _WITHDRAWN):
            objects.append(copy.deepcopy(obj))
    _check(spec, objects)
    return tuple(_owned(spec, obj) for obj in objects)


def _check(spec: WorkspaceSpec, objects: list[KubernetesObject]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for obj in objects[1:]:
        name, where = obj["metadata"]["name"], obj["metadata"].get("namespace")
        identity = (obj["apiVersion"].partition("/")[0], obj["kind"], name)
        if where != spec.namespace:
            raise ValueError(f"{obj['kind']}/{name} is in {where!r}; objects of a workspace go into {spec.namespace!r}")
        if identity in seen:
            raise ValueError(f"{obj['kind']}/{name} is wanted twice in {spec.namespace}; give one another name")
        seen.add(identity)


def _owned(spec: WorkspaceSpec, obj: KubernetesObject) -> KubernetesObject:
    meta = obj["metadata"]
    labels = {
        **(meta.get("labels") or {}),
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_TENANT: spec.tenant,
        LABEL_WORKSPACE: spec.name,
        LABEL_GENERATION: str(spec.generation),
    }
    owned = {**obj, "metadata": {**meta, "labels": labels}}
    annotations = {**(meta.get("annotations") or {}), ANNOTATION_SPEC_HASH: content_hash(owned)}
    return {**owned, "metadata": {**meta, "labels": labels, "annotations": annotations}}
