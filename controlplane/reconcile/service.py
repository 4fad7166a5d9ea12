"""Bringing one workspace to what is wanted: read, compute, write only what differs, always say what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from components.contract import Component, KubernetesObject, Workspace
from components.facts import PlatformFacts
from components.names import workspace_namespace
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.errors import AlreadyExists
from controlplane.reconcile import live, sweep
from controlplane.reconcile.changes import (
    differing,
    find_drift,
    is_unfinished,
    prune,
    put,
    stop_pods,
    unfinished,
    unlike,
)
from controlplane.reconcile.conditions import conditions
from controlplane.reconcile.deletion import Deletion, Wait
from controlplane.reconcile.desired import desired_objects
from controlplane.reconcile.errors import ApplyFailed, ApplyIncomplete, NamespaceEnding, NamespaceTaken
from controlplane.reconcile.model import Observation, Report, WorkspaceSpec, WorkspaceStorage, silent
from controlplane.reconcile.objects.common import ANNOTATION_UID
from controlplane.reconcile.wave import run

_PARALLEL = 8
_STORAGE = "storage"


class Reconciler:
    """Reconciles workspaces one at a time or from several threads. One per process: it holds a pool of threads."""

    def __init__(
        self,
        kube: Kube,
        storage: WorkspaceStorage | None,
        facts: PlatformFacts,
        components: Sequence[Component[Any]] = (),
    ) -> None:
        """`components` are those whose `workspace_objects` each workspace gets; `storage` None: no object storage."""
        self._kube = kube
        self._storage = storage
        self._facts = facts
        self._components = tuple(components)
        self._possible = frozenset(_by_feature(self._components, facts))
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="reconcile")

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()

    def desired(self, spec: WorkspaceSpec) -> tuple[KubernetesObject, ...]:
        """Everything the workspace consists of, its namespace first. Temporary: see `WorkspaceStorage.annotations`."""
        workspace = Workspace(spec.tenant, spec.name, spec.namespace, spec.features, spec.suspended)
        extra = [obj for c in self._components for obj in c.workspace_objects(workspace, self._facts)]
        if self._storage is None:
            return desired_objects(spec, self._facts, extra)
        environment, identity = self._storage.environment(spec), self._storage.annotations(spec)
        return desired_objects(spec, self._facts, extra, environment, identity)

    def apply(self, spec: WorkspaceSpec, report: Report = silent) -> Observation:
        """Creates or mends. Writes nothing where everything is as wanted.

        A failure of single objects does not stop the others; all of them are named in ApplyFailed or ApplyIncomplete.
        NamespaceTaken, NamespaceEnding: the namespace is another record's or nobody's, and was not touched.
        `retry` True: our namespace is being deleted.
        """
        kube = self._kube.counted()
        namespace, *objects = self.desired(spec)
        report("namespace", spec.namespace)
        found, created = self._namespace(kube, spec, namespace)
        if found["metadata"].get("deletionTimestamp"):
            return Deletion(kube, spec.namespace).observe(found)
        before = {} if created else live.read(kube, self._pool, spec.namespace, objects, self._possible)
        drift = () if created else find_drift(spec, [namespace, *objects], {live.identity(found): found, **before})
        report("objects", f"{len(objects)} objects")
        steps = self._steps(kube, spec, objects, before)
        renewed = {"Namespace": partial(_renew, kube, namespace, found)} if differing(namespace, found) else {}
        if not is_unfinished(found):
            steps |= renewed
        outcome = run(self._pool, steps)
        if outcome.results.get(_STORAGE):
            # A cloud names some identities only when it makes them: what bears those names follows.
            applied = {live.identity(obj): obj for obj in objects}
            outcome += run(self._pool, self._object_steps(kube, self.desired(spec)[1:], applied))
        if not outcome.errors.keys() - {_STORAGE}:
            # Not held up by the storage: what is closed and stopped here must be so without it.
            report("prune", "what is no longer wanted")
            closing = self._closing_steps(kube, spec, objects, before)
            outcome += run(self._pool, closing | (renewed if is_unfinished(found) else {}))
        observation = Observation(
            conditions=conditions(spec, outcome.errors),
            writes=created + sum(outcome.results.values()),
            requests=kube.counter.requests,
            drift=drift,
            retry=outcome.retry,
        )
        if outcome.retry:
            raise ApplyIncomplete(outcome.message(), observation, outcome.retry_after)
        if outcome.errors:
            raise ApplyFailed(outcome.message(), observation)
        return observation

    def observe(self, spec: WorkspaceSpec) -> Observation:
        """What `apply` would find, without changing anything. Object storage is not asked."""
        kube = self._kube.counted()
        namespace, *objects = self.desired(spec)
        found = kube.find(resources.NAMESPACE, None, spec.namespace)
        if found is not None and found["metadata"].get("deletionTimestamp"):
            return Deletion(kube, spec.namespace).observe(found)
        if found is not None:
            _ours(spec, found)
        seen = {live.identity(found): found} if found else {}
        seen |= live.read(kube, self._pool, spec.namespace, objects, self._possible) if found else {}
        drift = find_drift(spec, [namespace, *objects], seen)
        missing = unlike([namespace, *objects], seen)
        return Observation(
            conditions=conditions(spec, {}, missing=missing),
            writes=0,
            requests=kube.counter.requests,
            drift=drift,
            retry=bool(missing),
        )

    def suspects(
        self, specs: Iterable[WorkspaceSpec], stopped: Callable[[], bool] = lambda: False
    ) -> tuple[WorkspaceSpec, ...]:
        """Which of all these workspaces are not as wanted, by a few requests for all of them. Writes nothing."""
        return sweep.suspects(self._kube.counted(), specs, self.desired, stopped)

    def delete(
        self,
        spec: WorkspaceSpec,
        report: Report = silent,
        *,
        keep_data: bool = False,
        wait: Wait | None = None,
    ) -> Observation:
        """Takes the workspace away: storage access first, then the namespace, and waits a bounded time for its end.

        `keep_data` leaves the bucket. Absent parts are fine, and so is a namespace of that name that is another
        record's: it is left alone. Finalizers are never stripped: what blocks is named in
        DeletionBlocked, with `retry` to look again.
        """
        kube = self._kube.counted()
        found = kube.find(resources.NAMESPACE, None, spec.namespace)
        if found is not None and _uid(found) != spec.uid:
            found = None
        if self._storage is not None:
            report(_STORAGE, "kept" if keep_data else "removed")
            self._storage.remove(spec, keep_data=keep_data)
        return Deletion(kube, spec.namespace).run(found, report, wait or Wait())

    def _namespace(
        self, kube: Kube, spec: WorkspaceSpec, wanted: KubernetesObject
    ) -> tuple[KubernetesObject, bool]:  # fmt: skip
        found = kube.find(resources.NAMESPACE, None, spec.namespace)
        if found is None:
            try:
                # Not server-side apply: that would take over a namespace made by somebody else in this very moment.
                return kube.create(unfinished(wanted)), True
            except AlreadyExists:
                found = kube.get(resources.NAMESPACE, None, spec.namespace)
        _ours(spec, found)
        return found, False

    def _steps(
        self,
        kube: Kube,
        spec: WorkspaceSpec,
        objects: Sequence[KubernetesObject],
        before: dict[tuple[str, str], KubernetesObject],
    ) -> dict[str, Callable[[], int]]:
        storage = {_STORAGE: partial(self._storage.ensure, spec)} if self._storage is not None else {}
        return {**storage, **self._object_steps(kube, objects, before)}

    @staticmethod
    def _object_steps(
        kube: Kube, objects: Sequence[KubernetesObject], before: dict[tuple[str, str], KubernetesObject]
    ) -> dict[str, Callable[[], int]]:
        steps: dict[str, Callable[[], int]] = {}
        for obj in objects:
            there = before.get(live.identity(obj))
            if there is None or differing(obj, there):
                steps[resources.key(obj)] = partial(put, kube, obj, there)
        return steps

    def _closing_steps(
        self,
        kube: Kube,
        spec: WorkspaceSpec,
        objects: Sequence[KubernetesObject],
        before: dict[tuple[str, str], KubernetesObject],
    ) -> dict[str, Callable[[], int]]:
        """Only after everything wanted is there: an opening is closed last, a replacement is never missing."""
        wanted = {live.identity(obj) for obj in objects}
        steps: dict[str, Callable[[], int]] = {
            resources.key(obj): partial(prune, kube, obj) for at, obj in before.items() if at not in wanted
        }
        if spec.suspended:
            steps["pods"] = partial(stop_pods, kube, spec.namespace)
        return steps


def _by_feature(components: Iterable[Component[Any]], facts: PlatformFacts) -> Iterator[tuple[str, str]]:
    """apiVersion and kind of everything that workspaces have only where they ask for it."""
    for component in components:
        if component.feature:
            some = Workspace("t", "w", workspace_namespace("t", "w"), features=frozenset({component.name}))
            yield from ((obj["apiVersion"], obj["kind"]) for obj in component.workspace_objects(some, facts))


def _renew(kube: Kube, wanted: KubernetesObject, found: KubernetesObject) -> int:
    kube.apply(wanted, uid=found["metadata"]["uid"])
    return 1


def _uid(namespace: KubernetesObject) -> str | None:
    uid = (namespace["metadata"].get("annotations") or {}).get(ANNOTATION_UID)
    return None if uid is None else str(uid)


def _ours(spec: WorkspaceSpec, found: KubernetesObject) -> None:
    uid = _uid(found)
    if uid == spec.uid:
        return
    if uid is not None and found["metadata"].get("deletionTimestamp"):
        raise NamespaceEnding(spec.namespace)
    raise NamespaceTaken(spec.namespace, uid)
