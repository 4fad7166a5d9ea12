"""When an endpoint that nobody calls sleeps, and how that is written on it. Pure.

Every change names the version of the object that it was decided on: whoever changed it meanwhile decides instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from components.contract import KubernetesObject
from components.serving.names import ANNOTATION_ASLEEP, ANNOTATION_STOP
from controlplane.serving.endpoints import Endpoint, endpoint

SLACK = timedelta(seconds=20)
"""A call is written down up to ten seconds late (controlplane/gate/uses.py), and clocks differ a little."""


@dataclass(frozen=True)
class Sleeper:
    """An InferenceService with what sleeping needs to know of it."""

    namespace: str
    endpoint: Endpoint
    since: datetime | None
    """Since when it is ready."""
    version: str
    """Its resourceVersion."""
    left: bool
    """Whether it still bears the mark of a sleep that somebody ended by hand."""

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.endpoint.name


def sleeper(obj: KubernetesObject) -> Sleeper:
    found, meta = endpoint(obj), obj["metadata"]
    marked = ANNOTATION_ASLEEP in (meta.get("annotations") or {})
    return Sleeper(meta["namespace"], found, _ready_since(obj), meta["resourceVersion"], marked and not found.stopped)


def _ready_since(obj: KubernetesObject) -> datetime | None:
    for each in (obj.get("status") or {}).get("conditions") or ():
        if each.get("type") == "Ready" and each.get("status") == "True" and each.get("lastTransitionTime"):
            return datetime.fromisoformat(each["lastTransitionTime"])
    return None


def falls_asleep(found: Sleeper, called_at: datetime, now: datetime) -> bool:
    """Whether it is ready, and neither was called nor became ready within its time. `called_at`: the last call that is
    known, or when counting began."""
    known = found.endpoint
    if not known.idle_minutes or not known.ready:
        return False
    last = max(called_at, found.since or now)
    return now - last >= timedelta(minutes=known.idle_minutes) + SLACK


def asleep(found: Sleeper) -> KubernetesObject:
    """A merge patch: KServe takes the pods away."""
    return _patch(found, {ANNOTATION_STOP: "true", ANNOTATION_ASLEEP: "true"})


def awake(found: Sleeper) -> KubernetesObject:
    """A merge patch: KServe starts it again."""
    return _patch(found, {ANNOTATION_STOP: None, ANNOTATION_ASLEEP: None})


def tidied(found: Sleeper) -> KubernetesObject:
    """A merge patch that takes off a mark that was left: the next stop is a person's, and no call may undo it."""
    return _patch(found, {ANNOTATION_ASLEEP: None})


def _patch(found: Sleeper, notes: dict[str, Any]) -> KubernetesObject:
    return {"metadata": {"resourceVersion": found.version, "annotations": notes}}
