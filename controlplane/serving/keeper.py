"""Puts endpoints to sleep that nobody calls, and starts them when somebody does.

The gate writes into the database which endpoints were called; only the watcher changes them. Repeating a round changes
nothing, and an endpoint that cannot be changed holds up no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from components.contract import KubernetesObject
from controlplane.errors import Permanent, Temporary
from controlplane.kube.client import Kube
from controlplane.kube.errors import KubeError, NotFound
from controlplane.runtime import Runtime, system
from controlplane.serving import repository
from controlplane.serving.follower import INFERENCE_SERVICE
from controlplane.serving.sleep import Sleeper, asleep, awake, falls_asleep, sleeper, tidied

log = logging.getLogger(__name__)
_WORKSPACE = "ws-"


@dataclass(frozen=True)
class Round:
    """What one look came to."""

    watched: int
    """Endpoints that may sleep."""
    changed: int
    failed: int


class SleepKeeper:
    """`look` and `wake` are one round each; two threads may call them."""

    def __init__(self, kube: Kube, runtime: Runtime) -> None:
        self._kube = kube
        self._runtime = runtime

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Round:
        """Who was not called for long enough sleeps. Raises Temporary where the API server does not list endpoints,
        Unavailable where the database is away; then nobody is put to sleep."""
        listed = [obj for obj in self._kube.list(INFERENCE_SERVICE) if _ours(obj)]
        found = [sleeper(obj) for obj in listed]
        watched = {each.key: each for each in found if each.endpoint.idle_minutes}
        with self._runtime.work(system("watcher")) as work:
            calls, now = repository.counted(work.session, watched.keys(), work.now), work.now
        due = [(each, asleep(each)) for key, each in watched.items() if falls_asleep(each, calls[key], now)]
        due += [(each, tidied(each)) for each in found if each.left]
        outcomes = [self._change(each, patch, "endpoint sleeps") for each, patch in due if not stopped()]
        return Round(len(watched), outcomes.count(True), outcomes.count(False))

    def wake(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Starts who was called asleep; the number of those that were started. Raises as `look` does."""
        with self._runtime.work(system("watcher")) as work:
            wanted = repository.wanted(work.session)
        started = 0
        for (namespace, name), since in wanted.items():
            if stopped():
                break
            found = self._find(namespace, name)
            if found is not None and found.endpoint.asleep:
                if not self._change(found, awake(found), "endpoint wakes"):
                    continue
                started += 1
            with self._runtime.work(system("watcher")) as work:
                repository.answered(work.session, (namespace, name), since)
        return started

    def _find(self, namespace: str, name: str) -> Sleeper | None:
        """By a list of one, which is the right that the follower needs as well."""
        objects = self._kube.list(INFERENCE_SERVICE, namespace, fields=f"metadata.name={name}")
        return next((sleeper(obj) for obj in objects), None)

    def _change(self, found: Sleeper, patch: KubernetesObject, what: str) -> bool:
        about = {"namespace": found.namespace, "endpoint": found.endpoint.name}
        try:
            self._kube.merge(INFERENCE_SERVICE, found.namespace, found.endpoint.name, patch)
        except NotFound:
            return True
        except (KubeError, Permanent, Temporary) as error:
            log.warning("could not change an endpoint's sleep", extra={**about, "cause": str(error)})
            return False
        log.info(what, extra=about)
        return True


def _ours(obj: KubernetesObject) -> bool:
    return str(obj["metadata"]["namespace"]).startswith(_WORKSPACE) and not obj["metadata"].get("deletionTimestamp")
