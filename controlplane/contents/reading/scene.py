"""One thing of a workspace, seen together with what is around it: its pods, the queue, events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from components.contract import KubernetesObject
from controlplane.contents.kinds import Kind
from controlplane.contents.model import Content, ContentAction, ContentKind, ContentState, QueueState
from controlplane.contents.reading import fields, notebooks, pods, queue
from controlplane.contents.reading.status import Status

_UNDER_WAY = frozenset({ContentState.WAITING, ContentState.STARTING, ContentState.RUNNING})


@dataclass(frozen=True)
class Scene:
    """What the namespace holds beside the thing itself."""

    namespace: str
    pods: Sequence[KubernetesObject] = ()
    workloads: Sequence[KubernetesObject] = ()
    events: Sequence[KubernetesObject] = ()
    """Warnings only, or all of them."""
    _by_uid: dict[str, KubernetesObject] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = {}
        for workload in self.workloads:
            for owner in fields.each(workload, "metadata", "ownerReferences"):
                found[fields.text(owner, "uid")] = workload
            found[fields.labels(workload).get(queue.JOB_UID, "")] = workload
        found.pop("", None)
        object.__setattr__(self, "_by_uid", found)

    def workload(self, obj: KubernetesObject) -> KubernetesObject | None:
        """The queue's view of a job."""
        return self._by_uid.get(fields.text(obj, "metadata", "uid"))

    def pods_of(self, kind: Kind, obj: KubernetesObject) -> list[KubernetesObject]:
        name = fields.name(obj)
        if kind.kind is ContentKind.NOTEBOOK:
            return [pod for pod in self.pods if fields.name(pod) == name]
        return [pod for pod in self.pods if kind.pod_label and fields.labels(pod).get(kind.pod_label) == name]

    def events_of(
        self, kind: Kind, obj: KubernetesObject, its_pods: Iterable[KubernetesObject]
    ) -> list[KubernetesObject]:
        """Newest first."""
        names = {*kind.about(obj), *(fields.name(pod) for pod in its_pods)}
        start = None if kind.prefix is None else f"{fields.name(obj)}-{kind.prefix}"
        found = [
            event
            for event in self.events
            if (name := fields.text(event, "involvedObject", "name")) in names or (start and name.startswith(start))
        ]
        return sorted(found, key=_when, reverse=True)


def _when(event: KubernetesObject) -> str:
    return fields.first(
        fields.text(event, *path)
        for path in (
            ("series", "lastObservedTime"),
            ("lastTimestamp",),
            ("eventTime",),
            ("metadata", "creationTimestamp"),
        )
    )


def content(kind: Kind, obj: KubernetesObject, scene: Scene) -> Content:
    """How the thing stands, and why."""
    its_pods = scene.pods_of(kind, obj)
    workload = scene.workload(obj) if kind.queued else None
    status = _settled(kind, obj, scene, its_pods, workload)
    created = fields.time(obj, "metadata", "creationTimestamp")
    if created is None:
        raise ValueError(f"{kind.kind}/{fields.name(obj)} has no time of creation; is it an object of the API?")
    return Content(
        kind=kind.kind, group=kind.group, name=fields.name(obj), state=status.state, reason=status.reason,
        progress=status.progress, owner=notebooks.owner(obj) if kind.kind is ContentKind.NOTEBOOK else None,
        queue=_queue(kind, status, workload), url=_url(kind, obj, scene, status),
        actions=actions(kind, status.state, startable=kind.can_start(obj)),
        created_at=created, started_at=status.started_at, ended_at=status.ended_at,
    )  # fmt: skip


def _settled(
    kind: Kind, obj: KubernetesObject, scene: Scene, its_pods: list[KubernetesObject],
    workload: KubernetesObject | None,
) -> Status:  # fmt: skip
    status = kind.read(obj)
    if fields.at(obj, "metadata", "deletionTimestamp"):
        return replace(status, state=ContentState.ENDING, reason="It is being deleted.")
    if status.state in (ContentState.SUCCEEDED, ContentState.FAILED):
        return _with_last_words(status, its_pods)
    if workload is not None and not queue.finished(workload):
        status = _in_queue(status, workload)
    if status.state is ContentState.STARTING and pods.any_running(its_pods) and kind.queued:
        status = replace(status, state=ContentState.RUNNING, started_at=status.started_at or pods.started(its_pods))
    if status.state in (ContentState.STARTING, ContentState.RUNNING):
        cause = pods.worst(its_pods)
        if not cause and not status.reason and status.state is ContentState.STARTING:
            cause = _children(kind, obj, scene) or _last_warning(scene.events_of(kind, obj, its_pods))
        status = replace(status, reason=cause or status.reason)
    return status


def _with_last_words(status: Status, its_pods: list[KubernetesObject]) -> Status:
    """A job's own reason says how often it was tried; its pods say what went wrong."""
    cause = pods.worst(its_pods) if status.state is ContentState.FAILED else ""
    if not cause or cause in status.reason:
        return status
    return replace(status, reason=f"{status.reason.rstrip('.')}. {cause}" if status.reason else cause)


def _in_queue(status: Status, workload: KubernetesObject) -> Status:
    out = queue.stopped(workload)
    if out:
        return replace(status, state=ContentState.STOPPED, reason=out)
    found = queue.state(workload)
    if not found.admitted:
        return replace(status, state=ContentState.WAITING, reason=found.reason)
    if status.state is ContentState.STOPPED:
        return replace(status, state=ContentState.STARTING, reason="")
    return status


def _children(kind: Kind, obj: KubernetesObject, scene: Scene) -> str:
    """Why the jobs that it made wait in the queue."""
    if not kind.children:
        return ""
    start = f"{fields.name(obj)}-"
    waiting = [
        found.reason
        for workload in scene.workloads
        if any(
            fields.text(owner, "name").startswith(start)
            for owner in fields.each(workload, "metadata", "ownerReferences")
        )
        and not queue.finished(workload)
        and not (found := queue.state(workload)).admitted
    ]
    return fields.first(waiting)


def _last_warning(events: Iterable[KubernetesObject]) -> str:
    return fields.first(
        fields.words(fields.text(event, "message")) for event in events if fields.text(event, "type") == "Warning"
    )


def _queue(kind: Kind, status: Status, workload: KubernetesObject | None) -> QueueState | None:
    if workload is None or not kind.queued or status.state not in _UNDER_WAY:
        return None
    return queue.state(workload)


def _url(kind: Kind, obj: KubernetesObject, scene: Scene, status: Status) -> str | None:
    if kind.kind is ContentKind.NOTEBOOK:
        owner = notebooks.owner(obj)
        return notebooks.address(owner, scene.namespace) if owner else None
    if kind.kind is ContentKind.INFERENCESERVICE and status.state is ContentState.RUNNING:
        return f"/serving/{scene.namespace}/{fields.name(obj)}/"
    return None


def actions(kind: Kind, state: ContentState, *, startable: bool) -> tuple[ContentAction, ...]:
    """What makes sense in this state."""
    found = []
    if startable and state in kind.start_in:
        found.append(ContentAction.START)
    if state in _UNDER_WAY and (kind.stop is not None or kind.stop_deletes):
        found.append(ContentAction.STOP)
    if state is ContentState.STOPPED and kind.resume is not None:
        found.append(ContentAction.RESUME)
    if state is not ContentState.ENDING and not kind.stop_deletes:
        found.append(ContentAction.DELETE)
    return tuple(found)
