"""What a workspace's namespace holds of ours right now, with few requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from components.contract import KubernetesObject
from components.names import LABEL_MANAGED_BY, MANAGED_BY
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.errors import NotFound
from controlplane.kube.resources import Resource
from controlplane.reconcile.objects.common import STORAGE_SECRET
from controlplane.reconcile.wave import run

OWNED_KINDS = (
    resources.RESOURCE_QUOTA,
    resources.LIMIT_RANGE,
    resources.NETWORK_POLICY,
    resources.SERVICE_ACCOUNT,
    resources.ROLE_BINDING,
    resources.CONFIG_MAP,
    resources.SECRET,
)
"""Kinds in which leftovers are looked for, whatever is wanted now."""

SELECTOR = f"{LABEL_MANAGED_BY}={MANAGED_BY}"


def identity(obj: KubernetesObject) -> tuple[str, str]:
    """Kind and name: unique within the namespace among our objects (`desired_objects` checks it)."""
    return obj["kind"], obj["metadata"]["name"]


def read(
    kube: Kube,
    pool: ThreadPoolExecutor,
    namespace: str,
    desired: Sequence[KubernetesObject],
    possible: Iterable[tuple[str, str]] = (),
) -> dict[tuple[str, str], KubernetesObject]:
    """Our objects of the namespace, but for the Namespace itself. One request for each kind.

    `possible`: apiVersion and kind of what workspaces have by their features, found when one is taken away, too.

    A wanted object that lost its label is not found by it and counts as absent; applying it brings the label back.
    Raises the first error in the order of kinds: half a picture would look like missing objects.
    """
    kinds = {(r.api_version, r.kind): r for r in OWNED_KINDS}
    for at in (*((obj["apiVersion"], obj["kind"]) for obj in desired if obj["kind"] != "Namespace"), *possible):
        kinds.setdefault(at, kube.resource(*at))
    outcome = run(pool, {r.kind: partial(_list, kube, r, namespace) for r in kinds.values()})
    for kind in sorted(outcome.errors):
        raise outcome.errors[kind]
    return {identity(obj): obj for found in outcome.results.values() for obj in found}


def _list(kube: Kube, resource: Resource, namespace: str) -> list[KubernetesObject]:
    try:
        return list(listed(kube, resource, namespace))
    except NotFound:
        return []  # the kind went away with its component


def listed(kube: Kube, resource: Resource, namespace: str | None) -> Iterable[KubernetesObject]:
    """Of Secrets only the metadata of `storage`: no other secret of a namespace is for us to read."""
    if resource is resources.SECRET:
        by_name = f"metadata.name={STORAGE_SECRET}"
        return kube.list(resource, namespace, labels=SELECTOR, fields=by_name, metadata_only=True)
    return kube.list(resource, namespace, labels=SELECTOR)
