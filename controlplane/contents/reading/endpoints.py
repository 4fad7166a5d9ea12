"""KServe's inference services. Pure."""

from __future__ import annotations

from dataclasses import replace

from components.contract import KubernetesObject
from components.serving.names import ANNOTATION_STATUS
from controlplane.contents.model import ContentState
from controlplane.contents.reading import fields
from controlplane.contents.reading.status import Status
from controlplane.serving.endpoints import Endpoint, endpoint

_PARTS = ("PredictorReady", "TransformerReady", "ExplainerReady", "IngressReady")


def inference_service(obj: KubernetesObject) -> Status:
    found = endpoint(obj)
    return replace(_state(obj, found), progress=share(found))


def share(found: Endpoint) -> str:
    """What a canary asks for, in words; empty for others."""
    return f"canary: {found.percent}% of the calls to {found.main}" if found.main else ""


def _asleep(minutes: int) -> str:
    why = f": nobody called it for {minutes} minute{'' if minutes == 1 else 's'}" if minutes else ""
    return f"It sleeps{why}. The next call starts it."


def _state(obj: KubernetesObject, found: Endpoint) -> Status:
    ready = fields.condition(obj, "Ready")
    since = fields.time(ready, "lastTransitionTime") if ready.get("status") == "True" else None
    if found.asleep:
        return Status(ContentState.STOPPED, _asleep(found.idle_minutes))
    if found.held:
        status = fields.text(obj, "metadata", "annotations", ANNOTATION_STATUS)
        return Status(ContentState.STARTING, status or "It starts once the version is known that its alias points to.")
    if found.stopped:
        return Status(ContentState.STOPPED, "It was stopped. Resume it to serve again.")
    failure = fields.words(fields.text(obj, "status", "modelStatus", "lastFailureInfo", "message"))
    transition = fields.text(obj, "status", "modelStatus", "transitionStatus")
    if ready.get("status") == "True":
        changing = "A new version is being loaded." if transition == "InProgress" else ""
        broken = f"The newest version does not load: {failure}" if transition == "BlockedByFailedLoad" else ""
        return Status(ContentState.RUNNING, broken or changing, "", since)
    loaded = fields.text(obj, "status", "modelStatus", "states", "targetModelState")
    if loaded == "FailedToLoad" or transition == "InvalidSpec":
        return Status(ContentState.FAILED, failure or fields.said(ready))
    reason = failure or fields.first(
        fields.said(c) for kind in _PARTS if (c := fields.condition(obj, kind)).get("status") == "False"
    )
    return Status(ContentState.STARTING, reason or fields.words(fields.text(ready, "message")))
