"""Moves endpoints to the version that their model's alias points to: a look at all of them every few seconds.

A round is bounded in time and asks MLflow once for each alias. An endpoint that cannot be changed waits longer and
longer, and holds up no other. Repeating a round changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from components.contract import KubernetesObject
from components.serving.names import INFERENCE_SERVICES
from controlplane.errors import Permanent, Temporary
from controlplane.kube.client import Kube
from controlplane.kube.errors import KubeError, NotFound
from controlplane.kube.resources import Resource
from controlplane.serving.aliases import Followed, followed, is_held, pinned, released, unresolved
from controlplane.tracking.calls import TrackingRefused
from controlplane.tracking.registry import ModelVersion, NoSuchVersion

log = logging.getLogger(__name__)

INFERENCE_SERVICE = Resource(INFERENCE_SERVICES, "InferenceService", "inferenceservices")
_AT_ONCE = 4
_LONGEST_ROUND = 30.0
"""Seconds; what a round did not come to, the next one begins with."""
_FIRST_WAIT, _LONGEST_WAIT = 10.0, 300.0


class Aliases(Protocol):
    def by_alias(self, namespace: str, model: str, alias: str) -> ModelVersion:
        """Raises NoSuchVersion, TrackingRefused, and Temporary where nobody can tell."""
        ...


@dataclass(frozen=True)
class Round:
    """What one look came to."""

    endpoints: int
    moved: int
    failed: int


@dataclass
class _Wait:
    until: float
    seconds: float


class AliasFollower:
    """`look` is one round. One thread calls it; the work itself is done by a few."""

    def __init__(self, kube: Kube, aliases: Aliases, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._aliases = aliases
        self._clock = clock
        self._waits: dict[tuple[str, str], _Wait] = {}
        self._lock = threading.Lock()
        self._behind = ""
        """Where the last round ended too early: namespace and name of the first endpoint that it did not come to."""

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Round:
        """Raises Temporary where the API server does not list endpoints; every other trouble is one endpoint's own."""
        deadline = self._clock() + _LONGEST_ROUND
        found = sorted(self._followed(), key=_place)
        turned = [each for each in found if _place(each) >= self._behind]
        turned += [each for each in found if _place(each) < self._behind]
        self._behind = ""
        groups: dict[tuple[str, str, str], list[Followed]] = {}
        for endpoint in turned:
            if self._due(endpoint):
                groups.setdefault((endpoint.namespace, endpoint.model, endpoint.alias), []).append(endpoint)
        self._forget(found)

        def follow(group: list[Followed]) -> list[bool]:
            if stopped() or self._clock() > deadline:
                self._behind = self._behind or _place(group[0])
                return []
            return list(self._follow(group))

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="follower") as pool:
            outcomes = [outcome for each in pool.map(follow, groups.values()) for outcome in each]
        return Round(len(found), outcomes.count(True), outcomes.count(False))

    def _followed(self) -> Iterator[Followed]:
        for obj in self._kube.list(INFERENCE_SERVICE):
            endpoint = followed(obj)
            if endpoint is not None:
                yield endpoint
            elif is_held(obj) and not obj["metadata"].get("deletionTimestamp"):
                self._release(obj)

    def _release(self, obj: KubernetesObject) -> None:
        """Somebody gave it an address without an alias while it waited for one."""
        meta = obj["metadata"]
        about = {"namespace": meta["namespace"], "endpoint": meta["name"]}
        try:
            self._kube.merge(INFERENCE_SERVICE, meta["namespace"], meta["name"], released())
        except (KubeError, Permanent, Temporary) as error:
            log.warning("could not let an endpoint start", extra={**about, "cause": str(error)})

    def _follow(self, group: list[Followed]) -> Iterator[bool]:
        """Endpoints of one alias: True for one that was changed, False for one that failed."""
        first = group[0]
        try:
            version = self._aliases.by_alias(first.namespace, first.model, first.alias)
        except (NoSuchVersion, TrackingRefused) as error:
            patches = [(each, unresolved(each, str(error))) for each in group]
        except Temporary as error:
            log.warning("could not ask for an alias", extra=_about(first, cause=str(error)))
            return
        except Exception:
            log.exception("could not ask for an alias", extra=_about(first))
            for each in group:
                yield self._failed(each)
            return
        else:
            patches = [(each, pinned(each, version)) for each in group]
        for endpoint, patch in patches:
            if patch is not None:
                yield self._change(endpoint, patch)

    def _change(self, endpoint: Followed, patch: KubernetesObject) -> bool:
        try:
            self._kube.merge(INFERENCE_SERVICE, endpoint.namespace, endpoint.name, patch)
        except NotFound:
            return True
        except (KubeError, Permanent, Temporary) as error:
            log.warning("could not move an endpoint", extra=_about(endpoint, cause=str(error)))
            return self._failed(endpoint)
        except Exception:
            log.exception("could not move an endpoint", extra=_about(endpoint))
            return self._failed(endpoint)
        with self._lock:
            self._waits.pop((endpoint.namespace, endpoint.name), None)
        log.info("endpoint follows its alias", extra=_about(endpoint))
        return True

    def _failed(self, endpoint: Followed) -> bool:
        """Waits twice as long as the last time."""
        key = (endpoint.namespace, endpoint.name)
        with self._lock:
            last = self._waits.get(key)
            seconds = min(last.seconds * 2, _LONGEST_WAIT) if last else _FIRST_WAIT
            self._waits[key] = _Wait(self._clock() + seconds, seconds)
        return False

    def _due(self, endpoint: Followed) -> bool:
        wait = self._waits.get((endpoint.namespace, endpoint.name))
        return wait is None or wait.until <= self._clock()

    def _forget(self, found: Iterable[Followed]) -> None:
        there = {(each.namespace, each.name) for each in found}
        with self._lock:
            for gone in self._waits.keys() - there:
                del self._waits[gone]


def _place(endpoint: Followed) -> str:
    return f"{endpoint.namespace}/{endpoint.name}"


def _about(endpoint: Followed, **more: str) -> dict[str, str]:
    return {"namespace": endpoint.namespace, "endpoint": endpoint.name, "model": endpoint.uri, **more}
