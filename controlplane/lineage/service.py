"""Lineage: from what is served back to run, data, code and origin, and from a run on to everything that serves it."""

from __future__ import annotations

from dataclasses import dataclass, field

from components.contract import KubernetesObject
from controlplane.auth.policy import Action
from controlplane.contents.cluster import Cluster
from controlplane.contents.kinds import KINDS, TRIAL
from controlplane.contents.model import ContentKind
from controlplane.contents.reading import fields, notebooks
from controlplane.contents.reading.scene import Scene, content
from controlplane.contents.reading.served import Served, served
from controlplane.errors import NotFound
from controlplane.kube.resources import POD, Resource
from controlplane.lineage import graph as build
from controlplane.lineage.graph import ORIGINS, Graph, Origin, Place
from controlplane.lineage.model import Lineage, LineageQuery, NodeKind, Relation
from controlplane.serving.endpoints import endpoint
from controlplane.tracking.caller import as_caller
from controlplane.tracking.client import Tracking, TrackingWorkspace
from controlplane.tracking.model import ModelVersion, Run
from controlplane.work import Work
from controlplane.workspaces.service import find

_SERVICES = KINDS[ContentKind.INFERENCESERVICE]


class LineageService:
    """MLflow is asked as the caller. The cluster's part is left out where a process has no way to it."""

    def __init__(self, work: Work, cluster: Cluster | None, tracking: Tracking | None) -> None:
        self._work = work
        self._cluster = cluster
        self._tracking = tracking

    def get(self, tenant: str, workspace: str, query: LineageQuery) -> Lineage:
        """NotFound where what is asked about does not exist; what it was made of may be gone."""
        _, row = find(self._work, tenant, workspace, Action.WORKSPACE_READ)
        mlflow = as_caller(self._work, self._tracking, row.namespace)
        search = _Search(Place(tenant, workspace, row.namespace), mlflow, self._cluster)
        if query.endpoint is not None:
            return search.from_endpoint(query.endpoint)
        if query.model is not None and query.version is not None:
            return search.from_version(query.model, query.version)
        return search.from_run(query.run or "")


@dataclass
class _Search:
    """One answer in the making; everything is asked for once."""

    place: Place
    mlflow: TrackingWorkspace
    cluster: Cluster | None
    graph: Graph = field(default_factory=Graph)
    _scene: Scene | None = None
    _services: list[tuple[KubernetesObject, tuple[Served, ...]]] | None = None
    _runs: dict[str, Run | None] = field(default_factory=dict)

    def from_endpoint(self, name: str) -> Lineage:
        known = next((pair for pair in self.services() if fields.name(pair[0]) == name), None)
        if known is None:
            raise NotFound
        root = self._add_endpoint(*known)
        return self.graph.document(root)

    def from_version(self, name: str, number: int) -> Lineage:
        version = self.mlflow.version(name, number)
        root = self._add_version(version)
        self._add_what_serves(version)
        return self.graph.document(root)

    def from_run(self, run: str) -> Lineage:
        found = self.mlflow.run(run)
        self._runs[run] = found
        return self.graph.document(self._add_run(run))

    def services(self) -> list[tuple[KubernetesObject, tuple[Served, ...]]]:
        """Every endpoint of the workspace with what it serves."""
        if self._services is None:
            found = self.cluster.objects(_SERVICES.resource, self.place.namespace) if self.cluster else None
            scene = self.scene()
            self._services = [(each, served(each, scene.pods_of(_SERVICES, each))) for each in found or ()]
        return self._services

    def scene(self) -> Scene:
        if self._scene is None:
            pods = self.cluster.objects(POD, self.place.namespace) if self.cluster else None
            self._scene = Scene(self.place.namespace, pods or ())
        return self._scene

    def _add_endpoint(self, service: KubernetesObject, serves: tuple[Served, ...]) -> str:
        shown = content(_SERVICES, service, self.scene())
        node = self.graph.add(
            build.endpoint_node(
                self.place,
                shown.name,
                {"state": shown.state.value, "why": shown.reason, "share": shown.progress},
            )
        )
        for each in serves:
            target = self._add_served(each)
            if target is not None:
                self.graph.link(node, Relation.SERVES, target)
        self._add_canaries(shown.name, node)
        return node

    def _add_canaries(self, name: str, node: str) -> None:
        """A call to an endpoint may have been answered by any of its canaries."""
        for service, serves in self.services():
            canary = endpoint(service)
            if canary.main == name:
                known = f"endpoint:{canary.name}"
                there = known if known in self.graph.nodes else self._add_endpoint(service, serves)
                self.graph.link(node, Relation.SPLITS_WITH, there)

    def _add_served(self, each: Served) -> str | None:
        """None where an alias leads nowhere."""
        try:
            if each.version is not None:
                return self._add_version(self.mlflow.version(each.model, each.version))
            return self._add_version(self.mlflow.version_by_alias(each.model, each.alias))
        except NotFound:
            if each.version is None:
                return None
            node = self.graph.add(build.missing_version(each.model, each.version))
            if each.run:
                self.graph.link(node, Relation.MADE_BY, self._add_run(each.run))
            return node

    def _add_version(self, version: ModelVersion) -> str:
        node = build.version_id(version.name, version.version)
        if node in self.graph.nodes and self.graph.nodes[node].present:
            return node
        self.graph.add(build.version_node(self.place, version))
        run = version.run or self._run_of_logged_model(version.model)
        if run:
            self.graph.link(node, Relation.MADE_BY, self._add_run(run))
        return node

    def _run_of_logged_model(self, model: str) -> str:
        if not model:
            return ""
        try:
            return self.mlflow.logged_model(model).run
        except NotFound:
            return ""

    def _add_run(self, run: str) -> str:
        """With all that it read and ran, and on to every version it made and what serves those."""
        node = build.run_id(run)
        if node in self.graph.nodes:
            return node
        found = self._run(run)
        if found is None:
            return self.graph.add(build.missing_run(run))
        self.graph.add(build.run_node(self.place, found))
        build.add_inputs(self.graph, found)
        self._add_origin(found)
        parent = found.tags.get(build.PARENT, "")
        if parent:
            above = self._run(parent)
            target = build.run_node(self.place, above) if above else build.missing_run(parent)
            self.graph.link(node, Relation.PART_OF, self.graph.add(target))
        for version in self._versions_of(found):
            self.graph.link(self._add_version(version), Relation.MADE_BY, node)
            self._add_what_serves(version)
        return node

    def _versions_of(self, run: Run) -> list[ModelVersion]:
        """Registered from the run itself; those of its logged models bear the run as well."""
        return list(self.mlflow.versions_of_run(run.id))

    def _add_what_serves(self, version: ModelVersion) -> None:
        for service, serves in self.services():
            if any(
                each.model == version.name
                and (each.version == version.version or (each.version is None and each.alias in version.aliases))
                for each in serves
            ):
                name = fields.name(service)
                if f"endpoint:{name}" not in self.graph.nodes:
                    self._add_endpoint(service, serves)

    def _run(self, run: str) -> Run | None:
        if run not in self._runs:
            try:
                self._runs[run] = self.mlflow.run(run)
            except NotFound:
                self._runs[run] = None
        return self._runs[run]

    def _add_origin(self, run: Run) -> None:
        origin = build.origin_of(run.tags)
        if origin is None:
            return
        node = self.graph.add(build.origin_node(self.place, origin, present=self._present(origin)))
        self.graph.link(build.run_id(run.id), Relation.STARTED_BY, node)
        if origin.experiment:
            kind = KINDS[ContentKind.EXPERIMENT]
            there = self._exists(kind.resource, origin.experiment)
            above = self.graph.add(build.experiment_node(self.place, origin.experiment, present=there))
            self.graph.link(node, Relation.PART_OF, above)

    def _present(self, origin: Origin) -> bool:
        kind, known = ORIGINS[origin.kind]
        if known is not None:
            return self._exists(KINDS[known].resource, origin.name)
        if kind is NodeKind.TRIAL:
            return self._exists(TRIAL, origin.name)
        if kind is NodeKind.NOTEBOOK:
            return any(notebooks.is_notebook(p) and fields.name(p) == origin.pod for p in self.scene().pods)
        return any(fields.name(pod) == origin.name for pod in self.scene().pods)

    def _exists(self, resource: Resource, name: str) -> bool:
        return self.cluster is not None and self.cluster.find(resource, self.place.namespace, name) is not None
