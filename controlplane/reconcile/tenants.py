"""What components give each tenant beyond single workspaces, such as its queue.

Compared as a whole, written where it differs, removed with the tenant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from components.contract import Component, KubernetesObject, Tenant, Workspace
from components.facts import PlatformFacts
from components.names import ANNOTATION_SPEC_HASH, LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from controlplane.errors import ControlPlaneError, Permanent, Temporary
from controlplane.kube.client import Kube
from controlplane.kube.errors import Conflict, NotFound, Terminating
from controlplane.reconcile.compare import content_hash, differences
from controlplane.reconcile.live import SELECTOR

log = logging.getLogger(__name__)

_Key = tuple[str, str, str]
"""Kind, namespace, name."""
_TROUBLES = 3
"""Failures that may pass by themselves after which a round ends: each takes as long as the client is patient."""
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
        being made, as far as it goes. Gives the number of writes."""
        wanted = [obj for obj in self.desired(tenant) if obj["metadata"].get("namespace") in (None, namespace)]
        return _done((partial(self._write, obj) for obj in wanted), 1)

    def compare(self, load: Callable[[], Iterable[Tenant]]) -> int:
        """Every tenant's objects are as wanted afterwards; gives the number of writes.

        `load` is asked after the cluster: what was made meanwhile is written twice rather than removed. Kinds that are
        not served are left out. Where the API server or a webhook is away, the round ends early.
        """
        served = self._served()
        seen = {_key(obj): obj for found in served.values() for obj in found}
        objects = [obj for tenant in load() for obj in self.desired(tenant)]
        wanted = {_key(obj): obj for obj in objects if (obj["apiVersion"], obj["kind"]) in served}
        work = [partial(self._write, obj) for at, obj in wanted.items() if _differs(obj, seen.get(at))]
        work += [partial(self._remove, obj) for at, obj in seen.items() if at not in wanted and not _going(obj)]
        return _done(work, _TROUBLES)

    def _served(self) -> dict[tuple[str, str], list[KubernetesObject]]:
        """Our objects of each kind that components use and the API server serves, by apiVersion and kind. A component
        that is broken brings none."""
        named = {(obj["apiVersion"], obj["kind"]) for obj in self.desired(_SAMPLE)}
        found = {}
        for api_version, kind in sorted(named):
            try:
                resource = self._kube.resource(api_version, kind)
                found[api_version, kind] = list(self._kube.list(resource, labels=SELECTOR))
            except NotFound:
                log.warning("a kind of tenants' objects is not served", extra={"kind": kind})
        return found

    def _write(self, obj: KubernetesObject) -> int:
        """Raises Temporary."""
        try:
            self._kube.apply(obj)
        except (NotFound, Terminating) as error:
            # Of a kind that is not served, or in a namespace that is still to come or going.
            log.debug("an object of a tenant has no place", extra={"cause": str(error)})
            return 0
        except Permanent as error:
            _failed(obj, error)
            return 0
        return 1

    def _remove(self, obj: KubernetesObject) -> int:
        """Raises Temporary."""
        meta = obj["metadata"]
        try:
            resource = self._kube.resource(obj["apiVersion"], obj["kind"])
            return int(self._kube.delete(resource, meta.get("namespace"), meta["name"], uid=meta["uid"]))
        except (Permanent, Conflict) as error:
            _failed(obj, error)
            return 0


def _done(work: Iterable[Callable[[], int]], troubles: int) -> int:
    """The sum of what was done; ends at so many failures that may pass by themselves."""
    done = 0
    for each in work:
        try:
            done += each()
        except Temporary as error:
            troubles -= 1
            if troubles == 0:
                log.warning("tenants' objects wait for the next round", extra={"cause": str(error)})
                break
    return done


def _failed(obj: KubernetesObject, error: ControlPlaneError) -> None:
    log.warning(
        "an object of a tenant is not as wanted",
        extra={"object": f"{obj['kind']}/{obj['metadata']['name']}", "cause": str(error)},
    )


def _key(obj: KubernetesObject) -> _Key:
    return obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def _going(obj: KubernetesObject) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def _differs(wanted: KubernetesObject, seen: Mapping[str, Any] | None) -> bool:
    return seen is None or bool(differences(wanted, dict(seen)))


def _owned(tenant: Tenant, obj: KubernetesObject) -> KubernetesObject:
    meta = obj["metadata"]
    labels = {**(meta.get("labels") or {}), LABEL_MANAGED_BY: MANAGED_BY, LABEL_TENANT: tenant.slug}
    owned = {**obj, "metadata": {**meta, "labels": labels}}
    annotations = {**(meta.get("annotations") or {}), ANNOTATION_SPEC_HASH: content_hash(owned)}
    return {**owned, "metadata": {**meta, "labels": labels, "annotations": annotations}}
