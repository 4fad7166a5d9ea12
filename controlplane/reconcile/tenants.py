"""What components give each tenant beyond single workspaces, such as its queue.

Compared as a whole, written where it differs, removed with the tenant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from components.contract import Component, KubernetesObject, Tenant, Workspace
from components.facts import PlatformFacts
from components.names import ANNOTATION_SPEC_HASH, LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from controlplane.errors import ControlPlaneError
from controlplane.kube.client import Kube
from controlplane.kube.errors import NotFound
from controlplane.kube.resources import Resource
from controlplane.reconcile.compare import content_hash, differences
from controlplane.reconcile.live import SELECTOR

log = logging.getLogger(__name__)

_Key = tuple[str, str, str]
"""Kind, namespace, name."""
_SAMPLE = Tenant("sample", cpu=1, memory=1, workspaces=(Workspace("sample", "sample", "ws-sample--sample"),))
"""What kinds there are, it shows."""


class TenantReconciler:
    """Level-triggered. A failure of one object is logged and leaves the others alone; the next comparison meets it."""

    def __init__(self, kube: Kube, facts: PlatformFacts, components: Sequence[Component[Any]]) -> None:
        self._kube = kube
        self._facts = facts
        self._components = tuple(components)

    def desired(self, tenant: Tenant) -> tuple[KubernetesObject, ...]:
        """Pure: the tenant's objects with their labels."""
        made = (obj for component in self._components for obj in component.tenant_objects(tenant, self._facts))
        return tuple(_owned(tenant, obj) for obj in made)

    def ensure(self, tenant: Tenant, namespace: str) -> int:
        """The tenant's own objects and those in one workspace, without a look at what is there: for a workspace that is
        being made. Gives the number of writes."""
        wanted = [obj for obj in self.desired(tenant) if obj["metadata"].get("namespace") in (None, namespace)]
        return sum(self._write(obj) for obj in wanted)

    def compare(self, load: Callable[[], Iterable[Tenant]]) -> int:
        """Every tenant's objects are as wanted afterwards; gives the number of writes.

        `load` is asked after the cluster: what was made meanwhile is written twice rather than removed.
        """
        kinds = self._kinds()
        seen = {_key(obj): obj for kind in kinds for obj in self._kube.list(kind, labels=SELECTOR)}
        wanted = {_key(obj): obj for tenant in load() for obj in self.desired(tenant)}
        writes = sum(self._write(obj) for at, obj in wanted.items() if _differs(obj, seen.get(at)))
        return writes + sum(self._remove(obj) for at, obj in seen.items() if at not in wanted)

    def _kinds(self) -> list[Resource]:
        """Those that components use and the API server serves; a component that is broken brings none."""
        named = {(obj["apiVersion"], obj["kind"]) for obj in self.desired(_SAMPLE)}
        found = []
        for api_version, kind in sorted(named):
            try:
                found.append(self._kube.resource(api_version, kind))
            except NotFound:
                log.warning("a kind of tenants' objects is not served", extra={"kind": kind})
        return found

    def _write(self, obj: KubernetesObject) -> int:
        try:
            self._kube.apply(obj)
        except NotFound as error:
            # Of a kind that is not served, or in a namespace that is still to come.
            log.debug("an object of a tenant has no place yet", extra={"cause": str(error)})
            return 0
        except ControlPlaneError as error:
            _failed(obj, error)
            return 0
        return 1

    def _remove(self, obj: KubernetesObject) -> int:
        meta = obj["metadata"]
        try:
            resource = self._kube.resource(obj["apiVersion"], obj["kind"])
            return int(self._kube.delete(resource, meta.get("namespace"), meta["name"], uid=meta["uid"]))
        except ControlPlaneError as error:
            _failed(obj, error)
            return 0


def _failed(obj: KubernetesObject, error: ControlPlaneError) -> None:
    log.warning(
        "an object of a tenant is not as wanted",
        extra={"object": f"{obj['kind']}/{obj['metadata']['name']}", "cause": str(error)},
    )


def _key(obj: KubernetesObject) -> _Key:
    return obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def _differs(wanted: KubernetesObject, seen: Mapping[str, Any] | None) -> bool:
    return seen is None or bool(differences(wanted, dict(seen)))


def _owned(tenant: Tenant, obj: KubernetesObject) -> KubernetesObject:
    meta = obj["metadata"]
    labels = {**(meta.get("labels") or {}), LABEL_MANAGED_BY: MANAGED_BY, LABEL_TENANT: tenant.slug}
    owned = {**obj, "metadata": {**meta, "labels": labels}}
    annotations = {**(meta.get("annotations") or {}), ANNOTATION_SPEC_HASH: content_hash(owned)}
    return {**owned, "metadata": {**meta, "labels": labels, "annotations": annotations}}
