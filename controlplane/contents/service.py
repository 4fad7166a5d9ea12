"""What runs in a workspace, live from the cluster, and its logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from components.contract import KubernetesObject
from controlplane.auth.policy import Action
from controlplane.contents import starting
from controlplane.contents.cluster import Cluster, NoLog
from controlplane.contents.kinds import EVENT, KINDS, TRIAL, WORKLOADS, Kind, is_own
from controlplane.contents.model import (
    Absent,
    Content,
    ContentDetail,
    ContentKind,
    ContentQuery,
    Contents,
    Group,
    LogLine,
    LogQuery,
    Logs,
)
from controlplane.contents.reading import experiments, fields, pipelines, pods
from controlplane.contents.reading.detail import Around, detail
from controlplane.contents.reading.models import registered
from controlplane.contents.reading.scene import Scene, content
from controlplane.contents.rights import require_access
from controlplane.db import cursor_time, decode_cursor, encode_cursor
from controlplane.errors import NotFound, Refused, Unavailable
from controlplane.kube.resources import POD
from controlplane.tracking.caller import as_caller
from controlplane.tracking.client import Tracking
from controlplane.work import Work
from controlplane.workspaces.repository import WorkspaceRow
from controlplane.workspaces.service import find

_WARNINGS = "type=Warning"


@dataclass(frozen=True)
class LogPlace:
    """Where a log is read: a container of a pod of the workspace's namespace."""

    namespace: str
    pod: str
    container: str
    trouble: str = ""
    """What keeps the pod from running; then there is no log to wait for."""


class ContentService:
    """Everybody who may see the workspace sees what runs in it; logs are asked about at RBAC as well."""

    def __init__(self, work: Work, cluster: Cluster | None, tracking: Tracking | None = None) -> None:
        self._work = work
        self._cluster = cluster
        self._tracking = tracking

    def list(self, tenant: str, workspace: str, query: ContentQuery) -> Contents:
        """Newest first. Kinds that are not installed are named with the reason."""
        row = self._row(tenant, workspace)
        wanted = _wanted(query)
        scene = self._scene(row.namespace, events=_WARNINGS) if wanted else Scene(row.namespace)
        found: list[Content] = []
        absent: list[Absent] = []
        for kind in wanted:
            objects = self._objects(kind, scene)
            if objects is None:
                absent.append(Absent(kind=kind.kind, reason=_absent(kind)))
            else:
                found += [content(kind, obj, scene) for obj in objects if is_own(kind, obj)]
        if query.kind in (None, ContentKind.MODEL) and query.group in (None, Group.MODELS):
            try:
                found += self._models(row)
            except (Refused, Unavailable) as error:
                absent.append(Absent(kind=ContentKind.MODEL, reason=error.detail))
        return _page(found, query, tuple(absent))

    def _models(self, row: WorkspaceRow) -> Iterable[Content]:
        """Registered models as the caller sees them."""
        for model in as_caller(self._work, self._tracking, row.namespace).models():
            if model.created_at is not None:
                yield registered(row.namespace, model, model.created_at)

    def get(self, tenant: str, workspace: str, kind: ContentKind, name: str) -> ContentDetail:
        """One of them with conditions, parts, pods and events."""
        row = self._row(tenant, workspace)
        return self.described(row, *self.found(row, kind, name))

    def described(self, row: WorkspaceRow, known: Kind, obj: KubernetesObject) -> ContentDetail:
        """Everything about an object of the kind."""
        return detail(known, obj, self._scene(row.namespace), self._around(row, known, obj))

    def _around(self, row: WorkspaceRow, known: Kind, obj: KubernetesObject) -> Around:
        name = fields.name(obj)
        if known.kind is ContentKind.EXPERIMENT:
            label = f"{experiments.EXPERIMENT_LABEL}={name}"
            return Around(self._work.now, trials=self.cluster.objects(TRIAL, row.namespace, labels=label) or ())
        if known.kind in (ContentKind.CRONWORKFLOW, ContentKind.WORKFLOWTEMPLATE):
            workflows = self.cluster.objects(KINDS[ContentKind.WORKFLOW].resource, row.namespace) or ()
            runs = [found for found in workflows if pipelines.made_of(found, known.kind, name)]
            return Around(self._work.now, template=self.template(row, known, obj), runs=runs)
        return Around(self._work.now)

    def template(self, row: WorkspaceRow, known: Kind, obj: KubernetesObject) -> KubernetesObject | None:
        """The WorkflowTemplate from which a schedule or a workflow takes its steps; None where it has its own, and
        where there is no such template any more."""
        name = starting.template_name(known.kind, obj)
        return self.cluster.find(KINDS[ContentKind.WORKFLOWTEMPLATE].resource, row.namespace, name) if name else None

    def logs(self, tenant: str, workspace: str, kind: ContentKind, name: str, query: LogQuery) -> Logs:
        """The last lines of one of its pods. `note` says why where there are none."""
        place = self.log_place(tenant, workspace, kind, name, query)
        if place is None:
            return Logs(pod=None, container=None, lines=(), note="It has no pods right now.")
        try:
            lines = self.cluster.last_lines(place.namespace, place.pod, place.container, query.tail)
        except NoLog as error:
            return Logs(pod=place.pod, container=place.container, lines=(), note=str(error))
        shown = tuple(LogLine(at=line.at, text=line.text) for line in lines)
        silent = f"Nothing is in its log. {place.trouble}" if place.trouble else "It has written nothing yet."
        return Logs(pod=place.pod, container=place.container, lines=shown, note="" if shown else silent)

    def log_place(self, tenant: str, workspace: str, kind: ContentKind, name: str, query: LogQuery) -> LogPlace | None:
        """The pod and container that the query means; None where it has no pods. NotFound: no such pod of it."""
        row = self._row(tenant, workspace)
        self._may_read_logs(row)
        known, obj = self.found(row, kind, name)
        scene = Scene(row.namespace, self.cluster.objects(POD, row.namespace) or ())
        its_pods = scene.pods_of(known, obj)
        if query.pod is not None:
            its_pods = [pod for pod in its_pods if fields.name(pod) == query.pod]
            if not its_pods:
                raise NotFound
        chosen = pods.telling(its_pods)
        if chosen is None:
            return None
        container = query.container or pods.main_container(chosen)
        if container is None or container not in pods.containers(chosen):
            raise NotFound
        return LogPlace(row.namespace, fields.name(chosen), container, pods.trouble(chosen))

    @property
    def cluster(self) -> Cluster:
        if self._cluster is None:
            raise Unavailable("This process has no way to the cluster.")
        return self._cluster

    def found(self, row: WorkspaceRow, kind: ContentKind, name: str) -> tuple[Kind, KubernetesObject]:
        """The object. NotFound where there is none, or it is not one of the kind's own."""
        known = KINDS.get(kind)
        obj = self.cluster.find(known.resource, row.namespace, name) if known else None
        if known is None or obj is None or (known.stop_deletes and not is_own(known, obj)):
            raise NotFound
        return known, obj

    def _row(self, tenant: str, workspace: str) -> WorkspaceRow:
        return find(self._work, tenant, workspace, Action.WORKSPACE_READ)[1]

    def _may_read_logs(self, row: WorkspaceRow) -> None:
        require_access(self._work, self.cluster, row, verb="get", group="", resource="pods", subresource="log")

    def _scene(self, namespace: str, events: str = "") -> Scene:
        return Scene(
            namespace,
            self.cluster.objects(POD, namespace) or (),
            self.cluster.first_served(WORKLOADS, namespace),
            self.cluster.objects(EVENT, namespace, fields=events) or (),
        )

    def _objects(self, kind: Kind, scene: Scene) -> Iterable[KubernetesObject] | None:
        if kind.resource is POD:
            return scene.pods if kind.component in self._work.settings.facts.components else None
        return self.cluster.objects(kind.resource, scene.namespace)


def _wanted(query: ContentQuery) -> tuple[Kind, ...]:
    return tuple(
        kind
        for kind in KINDS.values()
        if query.kind in (None, kind.kind) and query.group in (None, kind.group)
    )  # fmt: skip


def _absent(kind: Kind) -> str:
    return (
        f"The component {kind.component} is not installed here." if kind.component else "The cluster has no such kind."
    )


def _page(found: list[Content], query: ContentQuery, absent: tuple[Absent, ...]) -> Contents:
    """The page of what was found that the query means."""
    search = (query.search or "").lower()
    matching = [
        item for item in found if search in item.name.lower() and query.state in (None, item.state)
    ]  # fmt: skip
    matching.sort(key=_order)
    if query.cursor:
        moment, kind, name = decode_cursor(query.cursor, 3)
        after = (-cursor_time(moment).timestamp(), kind, name)
        matching = [item for item in matching if _order(item) > after]
    shown = matching[: query.limit]
    more = None
    if len(matching) > query.limit:
        last = shown[-1]
        more = encode_cursor(last.created_at.isoformat(), last.kind, last.name)
    return Contents(items=tuple(shown), next=more, absent=absent)


def _order(item: Content) -> tuple[float, str, str]:
    return -item.created_at.timestamp(), item.kind, item.name
