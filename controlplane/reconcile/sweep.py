"""Comparing every workspace with the cluster at once: a few long lists instead of several requests for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from components.contract import KubernetesObject
from components.names import ANNOTATION_SPEC_HASH
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.reconcile.examine import drifted_fields
from controlplane.reconcile.live import OWNED_KINDS, listed
from controlplane.reconcile.model import WorkspaceSpec

_Identity = tuple[str, str]
Desired = Callable[[WorkspaceSpec], Sequence[KubernetesObject]]


def suspects(
    kube: Kube, specs: Iterable[WorkspaceSpec], desired: Desired, stopped: Callable[[], bool] = lambda: False
) -> tuple[WorkspaceSpec, ...]:
    """Workspaces that are not as wanted, in the given order; empty when all are well or the work was `stopped`.

    Told by the hash that each object carries and by who owns its fields, so of an object nothing is kept but that it
    was seen: 1000 workspaces need some 30 MB. Objects of kinds outside OWNED_KINDS are left to `observe`.
    """
    known = {spec.namespace: spec for spec in specs}
    wanted = {namespace: _hashes(desired(spec)) for namespace, spec in known.items() if not stopped()}
    odd: set[str] = set()
    for resource in (resources.NAMESPACE, *OWNED_KINDS):
        for obj in listed(kube, resource, None):
            if stopped():
                return ()
            namespace = obj["metadata"].get("namespace") or obj["metadata"]["name"]
            hashes = wanted.get(namespace)
            if hashes is None:
                continue
            expected = hashes.pop((obj["kind"], obj["metadata"]["name"]), None)
            found = (obj["metadata"].get("annotations") or {}).get(ANNOTATION_SPEC_HASH)
            if expected is None or expected != found or drifted_fields(obj):
                odd.add(namespace)
    missing = {namespace for namespace, hashes in wanted.items() if hashes}
    return () if stopped() else tuple(spec for namespace, spec in known.items() if namespace in odd | missing)


def _hashes(objects: Sequence[KubernetesObject]) -> dict[_Identity, str]:
    kinds = {resource.kind for resource in (resources.NAMESPACE, *OWNED_KINDS)}
    return {
        (obj["kind"], obj["metadata"]["name"]): obj["metadata"]["annotations"][ANNOTATION_SPEC_HASH]
        for obj in objects
        if obj["kind"] in kinds
    }
