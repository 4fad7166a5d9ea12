"""Everything about one thing: conditions, parts, pods and events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.contract import KubernetesObject
from controlplane.contents.kinds import Kind
from controlplane.contents.model import ContentDetail, ContentEvent, ContentKind, Part
from controlplane.contents.reading import experiments, fields, pipelines, pods
from controlplane.contents.reading.scene import Scene, content
from controlplane.workspaces.model import ShownCondition

_EVENTS = 30
_PODS = 100


def detail(kind: Kind, obj: KubernetesObject, scene: Scene, trials: Sequence[KubernetesObject] = ()) -> ContentDetail:
    """`trials`: of an experiment."""
    its_pods = sorted(
        scene.pods_of(kind, obj), key=lambda pod: fields.text(pod, "metadata", "creationTimestamp"), reverse=True
    )
    return ContentDetail(
        content=content(kind, obj, scene),
        conditions=tuple(_conditions(obj)),
        parts=_parts(kind, obj, trials),
        pods=tuple(pods.shown(pod) for pod in its_pods[:_PODS]),
        events=tuple(_event(event) for event in scene.events_of(kind, obj, its_pods)[:_EVENTS]),
    )


def _parts(kind: Kind, obj: KubernetesObject, trials: Sequence[KubernetesObject]) -> tuple[Part, ...]:
    if kind.kind is ContentKind.EXPERIMENT:
        ordered = sorted(trials, key=lambda trial: fields.text(trial, "metadata", "creationTimestamp"), reverse=True)
        return tuple(experiments.trial(trial) for trial in ordered)
    return pipelines.steps(obj) if kind.kind is ContentKind.WORKFLOW else ()


def _conditions(obj: KubernetesObject) -> Iterable[ShownCondition]:
    created = fields.time(obj, "metadata", "creationTimestamp")
    for found in fields.each(obj, "status", "conditions"):
        since = fields.time(found, "lastTransitionTime") or created
        if since is not None:
            yield ShownCondition(
                type=fields.text(found, "type"), status=found.get("status") == "True",
                reason=fields.text(found, "reason"), message=fields.words(fields.text(found, "message")), since=since,
            )  # fmt: skip


def _event(event: KubernetesObject) -> ContentEvent:
    moments = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("metadata", "creationTimestamp"))
    return ContentEvent(
        about=f"{fields.text(event, 'involvedObject', 'kind')}/{fields.text(event, 'involvedObject', 'name')}",
        reason=fields.text(event, "reason"),
        message=fields.words(fields.text(event, "message")),
        warning=fields.text(event, "type") == "Warning",
        count=max(1, fields.number(event, "count"), fields.number(event, "series", "count")),
        at=next((t for path in moments if (t := fields.time(event, *path))), None),
    )
