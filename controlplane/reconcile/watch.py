"""Noticing within two seconds that somebody else changed, deleted or imitated an object of a workspace.

A hint, like the queue: what a watch misses, the sweep finds. It reads, reports, and changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from components.contract import KubernetesObject
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.errors import KubeError
from controlplane.kube.resources import Resource
from controlplane.kube.watch import Watch
from controlplane.reconcile.changes import DELETED
from controlplane.reconcile.examine import drifted_fields, generation
from controlplane.reconcile.live import OWNED_KINDS, SELECTOR
from controlplane.reconcile.model import Drift
from controlplane.reconcile.objects.common import STORAGE_SECRET
from controlplane.reconcile.ownership import UNKNOWN, last_writer, owned_paths

log = logging.getLogger(__name__)

_SETTLE_CHANGE = 0.3
"""A repair or a change takes several writes; what is as wanted again by then was none. Seconds."""
_SETTLE_DELETION = 0.8
"""So does replacing an object, and a namespace's own end reaches us beside that of its objects. Seconds."""
_TRY_AGAIN = 2.0
_TICK = 0.05

_Key = tuple[str, str, str]
"""Kind, namespace (of a Namespace: its own name), name."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of an object that was as applied."""

    fields: frozenset[str]
    generation: int


@dataclass(frozen=True)
class _Suspicion:
    due: float
    drift: Drift
    generation: int = 0


@dataclass
class _State:
    """Shared by the watches' threads, under one lock. Grows with the number of objects, about 0.4 KB each."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    known: dict[_Key, _Known] = field(default_factory=dict)
    field_sets: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    """Workspaces look alike: equal field sets are kept once."""
    namespaces: dict[str, int] = field(default_factory=dict)
    """Generation of each workspace's namespace that is not on its way out."""
    suspicions: dict[_Key, _Suspicion] = field(default_factory=dict)


class DriftWatcher:
    """Watches platform objects of all workspaces. `start`, then `stop`; one per installation is enough.

    The end of a namespace is reported as well when the workspace itself was deleted: only the record can tell.
    """

    def __init__(self, kube: Kube, on_drift: Callable[[Drift], None]) -> None:
        """`on_drift` is called from one thread, one drift at a time; what it could not take is offered again."""
        self._kube = kube
        self._on_drift = on_drift
        self._state = _State()
        self._stopped = threading.Event()
        self._watches = [self._watch(resource) for resource in (resources.NAMESPACE, *OWNED_KINDS)]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts a thread for each kind and one that reports."""
        targets = [*(watch.run for watch in self._watches), self._report]
        self._threads = [threading.Thread(target=target, daemon=True, name="drift") for target in targets]
        for thread in self._threads:
            thread.start()

    def wait_synced(self, seconds: float) -> bool:
        """Whether every kind was listed once within that time."""
        deadline = time.monotonic() + seconds
        return all(watch.synced.wait(max(0.0, deadline - time.monotonic())) for watch in self._watches)

    def stop(self) -> None:
        """Ends all threads; suspicions that were not yet due are left to the sweep."""
        self._stopped.set()
        for watch in self._watches:
            watch.stop()
        for thread in self._threads:
            thread.join(timeout=10)

    def _watch(self, resource: Resource) -> Watch:
        secret = resource is resources.SECRET
        return Watch(
            self._kube, resource, _Handler(resource.kind, self._state), labels=SELECTOR,
            fields=f"metadata.name={STORAGE_SECRET}" if secret else "", metadata_only=secret,
        )  # fmt: skip

    def _report(self) -> None:
        while not self._stopped.wait(_TICK):
            now = time.monotonic()
            with self._state.lock:
                due = [(key, item) for key, item in self._state.suspicions.items() if item.due <= now]
            for key, item in due:
                self._judge(key, item)

    def _judge(self, key: _Key, item: _Suspicion) -> None:
        again: _Suspicion | None = replace(item, due=time.monotonic() + _TRY_AGAIN)
        try:
            drift = self._confirmed(key, item)
            if drift is not None:
                self._on_drift(drift)
        except KubeError as error:
            log.warning("%s: cannot look at the drift of %s: %s", key[1], item.drift.object, error)
        except Exception:
            # Whatever the receiver's trouble is, it must not end the watching.
            log.exception("%s: the drift of %s was not taken", key[1], item.drift.object)
        else:
            again = None
        with self._state.lock:
            if self._state.suspicions.get(key) is item:
                if again is None:
                    del self._state.suspicions[key]
                else:
                    self._state.suspicions[key] = again

    def _confirmed(self, key: _Key, item: _Suspicion) -> Drift | None:
        """The drift to report, or None where it was the platform's own doing."""
        if item.drift.fields != (DELETED,):
            return item.drift
        kind, namespace, name = key
        resource = next(r for r in (resources.NAMESPACE, *OWNED_KINDS) if r.kind == kind)
        with self._state.lock:
            current = self._state.namespaces.get(namespace)
        if kind != "Namespace" and (current is None or item.generation < current):
            return None  # its workspace goes, or the workspace's change left it out
        found = self._kube.find(resource, namespace, name)
        if found is None:
            return item.drift
        if found["metadata"].get("deletionTimestamp"):
            return None
        # It is there and no longer selected: it lost the label by which we find it.
        return replace(item.drift, manager=last_writer(found), fields=("metadata.labels",))


class _Handler:
    """Turns what one watch sees into suspicions."""

    def __init__(self, kind: str, state: _State) -> None:
        self._kind = kind
        self._state = state

    def listed(self, objects: Iterable[KubernetesObject]) -> None:
        seen = set()
        for obj in objects:
            seen.add(self._key(obj))
            self.changed(obj)
        with self._state.lock:
            lost = [key for key in self._state.known if key[0] == self._kind and key not in seen]
        for key in lost:
            self._lost(key, UNKNOWN)

    def changed(self, obj: KubernetesObject) -> None:
        key = self._key(obj)
        with self._state.lock:
            known = self._state.known.get(key)
        fields = drifted_fields(obj, known.fields if known else ())
        state = self._state
        with state.lock:
            if self._kind == "Namespace":
                if obj["metadata"].get("deletionTimestamp"):
                    state.namespaces.pop(key[1], None)
                    state.suspicions.pop(key, None)
                    return
                state.namespaces[key[1]] = generation(obj)
            if not fields:
                ours = owned_paths(obj)
                state.known[key] = _Known(state.field_sets.setdefault(ours, ours), generation(obj))
                state.suspicions.pop(key, None)
                return
            drift = Drift(key[1], resources.key(obj), last_writer(obj), fields)
            state.suspicions[key] = _Suspicion(time.monotonic() + _SETTLE_CHANGE, drift)

    def gone(self, obj: KubernetesObject) -> None:
        self._lost(self._key(obj), UNKNOWN)

    def _lost(self, key: _Key, manager: str) -> None:
        kind, namespace, name = key
        state = self._state
        with state.lock:
            known = state.known.pop(key, None)
            state.suspicions.pop(key, None)
            if kind == "Namespace":
                state.namespaces.pop(namespace, None)
            if known is None:
                return  # it was never one of ours: an imitation that went away
            drift = Drift(namespace, f"{kind}/{name}", manager, (DELETED,))
            due = time.monotonic() + _SETTLE_DELETION
            state.suspicions[key] = _Suspicion(due, drift, known.generation)

    def _key(self, obj: KubernetesObject) -> _Key:
        meta = obj["metadata"]
        return self._kind, meta.get("namespace") or meta["name"], meta["name"]
