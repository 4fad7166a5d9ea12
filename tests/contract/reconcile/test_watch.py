"""Drift noticed by the watch, on a real API server, with the control plane's own rights."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.contract import KubernetesObject
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.resources import Resource
from controlplane.reconcile.deletion import Wait
from controlplane.reconcile.model import Drift, WorkspaceSpec
from controlplane.reconcile.service import Reconciler
from controlplane.reconcile.watch import DriftWatcher
from tests.contract.reconcile.world import World, some_spec, until

pytestmark = pytest.mark.contract

LIMIT = 20.0
"""Seconds until a drift must be known, on a machine that does much else; nothing but the watch would find it."""


class Seen:
    """Drifts of one workspace; other tests of the run work on the same server."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._queue: queue.Queue[Drift] = queue.Queue()

    def __call__(self, drift: Drift) -> None:
        if drift.namespace == self.namespace:
            self._queue.put(drift)

    def next(self) -> Drift:
        return self._queue.get(timeout=LIMIT)

    def nothing(self, seconds: float = 1.5) -> bool:
        try:
            drift = self._queue.get(timeout=seconds)
        except queue.Empty:
            return True
        raise AssertionError(f"reported: {drift}")


@pytest.fixture
def spec() -> WorkspaceSpec:
    return some_spec(internet=True)


@pytest.fixture
def seen(world: World, reconciler: Reconciler, spec: WorkspaceSpec) -> Iterator[Seen]:
    reconciler.apply(spec)
    made = Seen(spec.namespace)
    watcher = DriftWatcher(world.control_plane, made)
    watcher.start()
    assert watcher.wait_synced(20)
    yield made
    started = time.monotonic()
    watcher.stop()
    assert time.monotonic() - started < 5, "a watch that waits is ended at once"


def edit(kube: Kube, resource: Resource, namespace: str, name: str, patch: KubernetesObject) -> None:
    where = namespace if resource.namespaced else None
    kube.transport.request(
        "PATCH", resource.path(where, name), counter=kube.counter, params={"fieldManager": "kubectl-edit"},
        body=patch, headers={"Content-Type": "application/merge-patch+json"},
    )  # fmt: skip


EDITS: list[tuple[Resource, str, KubernetesObject, tuple[str, ...]]] = [
    (resources.RESOURCE_QUOTA, "compute", {"spec": {"hard": {"pods": "999"}}}, ("spec.hard.pods",)),
    (resources.RESOURCE_QUOTA, "compute", {"spec": {"hard": {"pods": None}}}, ("spec.hard.pods",)),
    (resources.NETWORK_POLICY, "default-deny", {"spec": {"ingress": [{}]}}, ("spec.ingress",)),
    (resources.NETWORK_POLICY, "allow-dns", {"spec": {"ingress": [{}]}}, ("spec.ingress",)),
    (resources.ROLE_BINDING, "mlp-tenant-view", {"subjects": []}, ("subjects",)),
    (resources.SERVICE_ACCOUNT, "workload", {"automountServiceAccountToken": True}, ("automountServiceAccountToken",)),
    (resources.SECRET, "storage", {"metadata": {"annotations": {"mlp.io/spec-hash": "x"}}},
     ("metadata.annotations.mlp.io/spec-hash",)),
    (resources.CONFIG_MAP, "made-up", {}, ("(not wanted)",)),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "name", "patch", "fields"), EDITS, ids=lambda part: str(part)[:40])
def test_edits_are_noticed_with_who_and_which_fields(
    world: World,
    seen: Seen,
    spec: WorkspaceSpec,
    reconciler: Reconciler,
    resource: Resource,
    name: str,
    patch: KubernetesObject,
    fields: tuple[str, ...],
) -> None:
    if fields == ("(not wanted)",):
        meta = {"name": name, "namespace": spec.namespace, "labels": {"app.kubernetes.io/managed-by": "mlp"}}
        path = resource.path(spec.namespace)
        body = {"apiVersion": "v1", "kind": resource.kind, "metadata": meta}
        world.admin.transport.request(
            "POST", path, counter=world.admin.counter, params={"fieldManager": "kubectl-edit"}, body=body
        )
    else:
        edit(world.admin, resource, spec.namespace, name, patch)
    # Who only takes something away owns no field afterwards.
    who = "unknown" if patch in ({"subjects": []}, {"spec": {"hard": {"pods": None}}}) else "kubectl-edit"
    assert seen.next() == Drift(spec.namespace, f"{resource.kind}/{name}", who, fields)
    assert reconciler.apply(spec).ready
    assert seen.nothing(), "the repair is no drift"


def test_forging_the_hash_along_with_the_change_does_not_help(world: World, seen: Seen, spec: WorkspaceSpec) -> None:
    from controlplane.reconcile.compare import content_hash

    found = world.admin.get(resources.RESOURCE_QUOTA, spec.namespace, "compute")
    found["spec"]["hard"]["pods"] = "999"
    forged = content_hash({k: v for k, v in found.items() if k != "status"})
    patch = {"spec": found["spec"], "metadata": {"annotations": {"mlp.io/spec-hash": forged}}}
    edit(world.admin, resources.RESOURCE_QUOTA, spec.namespace, "compute", patch)
    assert seen.next().object == "ResourceQuota/compute"


@pytest.mark.parametrize(
    ("label", "value"), [("pod-security.kubernetes.io/enforce", "privileged"), ("mlp.io/tenant", "other")]
)
def test_relabelled_namespaces_are_noticed(
    world: World, seen: Seen, spec: WorkspaceSpec, label: str, value: str
) -> None:  # fmt: skip
    edit(world.admin, resources.NAMESPACE, "", spec.namespace, {"metadata": {"labels": {label: value}}})
    drift = seen.next()
    assert (drift.object, drift.fields) == (f"Namespace/{spec.namespace}", (f"metadata.labels.{label}",))


@pytest.mark.parametrize("resource", [resources.NAMESPACE, resources.NETWORK_POLICY])
def test_what_lost_the_label_we_find_it_by_is_noticed(
    world: World, seen: Seen, spec: WorkspaceSpec, resource: Resource, reconciler: Reconciler
) -> None:
    name = spec.namespace if resource is resources.NAMESPACE else "default-deny"
    patch = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    edit(world.admin, resource, spec.namespace, name, patch)
    assert seen.next() == Drift(spec.namespace, f"{resource.kind}/{name}", "unknown", ("metadata.labels",))
    assert reconciler.apply(spec).ready
    assert seen.nothing()


def test_deletions_are_noticed(world: World, seen: Seen, spec: WorkspaceSpec, reconciler: Reconciler) -> None:
    world.admin.delete(resources.NETWORK_POLICY, spec.namespace, "default-deny")
    assert seen.next() == Drift(spec.namespace, "NetworkPolicy/default-deny", "unknown", ("(deleted)",))
    assert reconciler.apply(spec).ready
    world.admin.delete(resources.SECRET, spec.namespace, "storage")
    assert seen.next().object == "Secret/storage"


def test_the_platforms_own_changes_are_no_drift(seen: Seen, spec: WorkspaceSpec, reconciler: Reconciler) -> None:
    for generation, changes in enumerate(
        ({"internet": False}, {"suspended": True}, {}, {"internet": True}), start=spec.generation + 1
    ):
        assert reconciler.apply(replace(spec, generation=generation, **changes)).ready
    assert seen.nothing(2.0)


def test_the_end_of_a_workspace_is_one_report(seen: Seen, spec: WorkspaceSpec, reconciler: Reconciler) -> None:
    reconciler.delete(spec, wait=Wait(total=60))
    assert seen.next() == Drift(spec.namespace, f"Namespace/{spec.namespace}", "unknown", ("(deleted)",))
    assert seen.nothing(2.0)


class Flaky:
    """Breaks every stream after some events, and says once that the history is gone."""

    def __init__(self, kube: Kube) -> None:
        self._transport = kube.transport
        self.streams = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def stream(self, path: str, params: dict[str, str], headers: dict[str, str], silence: float) -> Any:
        self.streams += 1
        if self.streams % 3 == 0:
            params = {**params, "resourceVersion": "1"}  # long compacted or too old: 410, or the whole history again
        return self._transport.stream(path, {**params, "timeoutSeconds": "1"}, headers, silence)


def test_broken_streams_and_lost_history_miss_nothing(
    world: World, reconciler: Reconciler, spec: WorkspaceSpec
) -> None:  # fmt: skip
    reconciler.apply(spec)
    seen, flaky = Seen(spec.namespace), Flaky(world.control_plane)
    watcher = DriftWatcher(replace(world.control_plane, transport=flaky), seen)  # type: ignore[arg-type]
    watcher.start()
    assert watcher.wait_synced(20)
    for _ in range(3):
        until("streams were broken", lambda seen=flaky.streams: flaky.streams > seen + 8)
        world.admin.delete(resources.LIMIT_RANGE, spec.namespace, "defaults")
        assert seen.next().object == "LimitRange/defaults"
        assert reconciler.apply(spec).ready
    watcher.stop()


def test_drift_from_before_the_start_and_a_failing_receiver(
    world: World, reconciler: Reconciler, spec: WorkspaceSpec
) -> None:  # fmt: skip
    reconciler.apply(spec)
    edit(world.admin, resources.RESOURCE_QUOTA, spec.namespace, "compute", {"spec": {"hard": {"pods": "999"}}})
    taken: list[Drift] = []
    calls = [0]

    def receiver(drift: Drift) -> None:
        if drift.namespace != spec.namespace:
            return
        calls[0] += 1
        if calls[0] == 1:
            raise RuntimeError("the database is away")
        taken.append(drift)

    watcher = DriftWatcher(world.control_plane, receiver)
    watcher.start()
    until("it was offered again", lambda: bool(taken))
    watcher.stop()
    assert (taken[0].object, taken[0].fields) == ("ResourceQuota/compute", ("spec.hard.pods",))
