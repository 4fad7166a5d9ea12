"""What differs between wanted and seen objects, and the single writes that mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.contract import KubernetesObject
from components.names import ANNOTATION_SPEC_HASH, LABEL_GENERATION
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.errors import Rejected
from controlplane.reconcile.compare import content_hash, differences, removal
from controlplane.reconcile.live import identity
from controlplane.reconcile.model import Drift, WorkspaceSpec
from controlplane.reconcile.ownership import UNKNOWN, last_writer

DELETED = "(deleted)"
UNWANTED = "(not wanted)"
_REPLACED_FOR = frozenset({"roleRef", "data", "immutable"})

Seen = Mapping[tuple[str, str], KubernetesObject]
"""What is in the cluster, by kind and name."""


def differing(wanted: KubernetesObject, there: KubernetesObject) -> tuple[str, ...]:
    """Dotted paths at which an object is not as wanted."""
    if wanted["kind"] == "Secret":
        # Its data is never read back: it is immutable, and the hash in its annotations stands for it.
        wanted = {name: wanted[name] for name in ("apiVersion", "kind", "metadata")}
    return differences(wanted, there)


def unlike(wanted: Sequence[KubernetesObject], seen: Seen) -> tuple[str, ...]:
    """`Kind/name` of every object that is absent, differs, or should not be there."""
    names = [resources.key(o) for o in wanted if identity(o) not in seen or differing(o, seen[identity(o)])]
    kept = {identity(obj) for obj in wanted}
    return (*names, *(resources.key(obj) for at, obj in seen.items() if at not in kept))


def unfinished(namespace: KubernetesObject) -> KubernetesObject:
    """The namespace as it is created: of generation 0 until everything in it was applied once.

    So a first apply that was cut short is told from one whose objects somebody deleted.
    """
    meta = namespace["metadata"]
    made = {**namespace, "metadata": {**meta, "labels": {**meta["labels"], LABEL_GENERATION: "0"}}}
    annotations = {**meta["annotations"], ANNOTATION_SPEC_HASH: content_hash(made)}
    return {**made, "metadata": {**made["metadata"], "annotations": annotations}}


def is_unfinished(namespace: KubernetesObject) -> bool:
    """Whether the first apply has not come to its end."""
    return (namespace["metadata"].get("labels") or {}).get(LABEL_GENERATION) == "0"


def find_drift(spec: WorkspaceSpec, wanted: Sequence[KubernetesObject], seen: Seen) -> tuple[Drift, ...]:
    """What somebody else changed. A change of the workspace itself raises its generation, and is no drift."""
    namespace = seen.get(identity(wanted[0]))
    applied = namespace is not None and not _older(namespace, spec)
    found: list[Drift] = []
    for obj in wanted:
        there = seen.get(identity(obj))
        if there is None:
            if applied:
                found.append(Drift(spec.namespace, resources.key(obj), UNKNOWN, (DELETED,)))
        elif not _older(there, spec) and (paths := differing(obj, there)):
            found.append(Drift(spec.namespace, resources.key(obj), last_writer(there), paths))
    kept = {identity(obj) for obj in wanted}
    for at, obj in seen.items():
        if at not in kept and not _older(obj, spec):
            found.append(Drift(spec.namespace, resources.key(obj), last_writer(obj), (UNWANTED,)))
    return tuple(found)


def put(kube: Kube, wanted: KubernetesObject, there: KubernetesObject | None) -> int:
    """Applies; gives the number of writes. Replaces where a field may not change, such as a binding's roleRef."""
    meta = wanted["metadata"]
    resource = kube.resource(wanted["apiVersion"], wanted["kind"])
    try:
        kube.apply(wanted)
    except Rejected as error:
        if not _REPLACED_FOR & set(error.fields):
            raise
        kube.delete(resource, meta["namespace"], meta["name"])
        kube.apply(wanted)
        return 2
    if there is not None and (patch := removal(wanted, there)):
        kube.merge(resource, meta["namespace"], meta["name"], patch)
        return 2
    return 1


def prune(kube: Kube, obj: KubernetesObject) -> int:
    """Deletes exactly the object that was read; gives the number of writes."""
    meta = obj["metadata"]
    resource = kube.resource(obj["apiVersion"], obj["kind"])
    return int(kube.delete(resource, meta["namespace"], meta["name"], uid=meta["uid"]))


def stop_pods(kube: Kube, namespace: str) -> int:
    """Deletes the pods of a namespace; the quota lets no new ones start. Pods on their way out are left alone."""
    pods = kube.list(resources.POD, namespace, metadata_only=True)
    if all(pod["metadata"].get("deletionTimestamp") for pod in pods):
        return 0
    kube.delete_all(resources.POD, namespace)
    return 1


def _older(there: KubernetesObject, spec: WorkspaceSpec) -> bool:
    """Whether an object is still that of an earlier generation: it differs because the workspace was changed."""
    text = str((there["metadata"].get("labels") or {}).get(LABEL_GENERATION) or "")
    return text.isdecimal() and int(text) < spec.generation
