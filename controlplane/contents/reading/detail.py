"""Everything about one thing: conditions, parts, pods and events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.contract import KubernetesObject
from controlplane.contents.kinds import KINDS, Kind
from controlplane.contents.model import Content, ContentDetail, ContentEvent, ContentKind, Parameter, Part
from controlplane.contents.reading import arguments, experiments, fields, pipelines, pods
from controlplane.contents.reading.graph import graph
from controlplane.contents.reading.scene import Scene, content
from controlplane.contents.starting import asked
from controlplane.workspaces.model import ShownCondition

_EVENTS = 30
_PODS = 100
_RUNS = 10


@dataclass(frozen=True)
class Around:
    """What belongs to it beside its pods, where its kind has such."""

    now: datetime
    trials: Sequence[KubernetesObject] = ()
    """Of an experiment."""
    template: KubernetesObject | None = None
    """From which a schedule takes its steps."""
    runs: Sequence[KubernetesObject] = ()
    """Workflows of a schedule or a template."""


def detail(kind: Kind, obj: KubernetesObject, scene: Scene, around: Around) -> ContentDetail:
    """Everything about it."""
    its_pods = sorted(
        scene.pods_of(kind, obj), key=lambda pod: fields.text(pod, "metadata", "creationTimestamp"), reverse=True
    )
    return ContentDetail(
        content=content(kind, obj, scene),
        conditions=tuple(_conditions(obj)),
        parts=_parts(kind, obj, around.trials, its_pods),
        pods=tuple(pods.shown(pod) for pod in its_pods[:_PODS]),
        events=tuple(_event(event) for event in scene.events_of(kind, obj, its_pods)[:_EVENTS]),
        graph=graph(obj, its_pods) if kind.kind is ContentKind.WORKFLOW else None,
        parameters=_parameters(kind, obj, around.template),
        outputs=arguments.outputs(obj) if kind.kind is ContentKind.WORKFLOW else (),
        source=pipelines.source(obj) if kind.kind is ContentKind.WORKFLOW else None,
        runs=_runs(around.runs, scene),
        next_at=pipelines.next_at(obj, around.now) if kind.kind is ContentKind.CRONWORKFLOW else None,
    )


def _parameters(kind: Kind, obj: KubernetesObject, template: KubernetesObject | None) -> tuple[Parameter, ...]:
    if kind.kind is ContentKind.WORKFLOW:
        return arguments.given(obj)
    return asked(kind.kind, obj, template) if kind.start_in else ()


def _runs(found: Sequence[KubernetesObject], scene: Scene) -> tuple[Content, ...]:
    workflow = KINDS[ContentKind.WORKFLOW]
    newest = sorted(found, key=lambda obj: fields.text(obj, "metadata", "creationTimestamp"), reverse=True)
    return tuple(content(workflow, obj, scene) for obj in newest[:_RUNS])


def _parts(
    kind: Kind, obj: KubernetesObject, trials: Sequence[KubernetesObject], its_pods: Sequence[KubernetesObject]
) -> tuple[Part, ...]:  # fmt: skip
    if kind.kind is ContentKind.EXPERIMENT:
        ordered = sorted(trials, key=lambda trial: fields.text(trial, "metadata", "creationTimestamp"), reverse=True)
        return tuple(experiments.trial(trial) for trial in ordered)
    return pipelines.steps(obj, its_pods) if kind.kind is ContentKind.WORKFLOW else ()


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
