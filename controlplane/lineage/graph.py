"""Nodes and edges from what MLflow and the cluster say. Pure but for the graph that is being built."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from controlplane.contents.model import ContentKind
from controlplane.lineage.model import Edge, Fact, FactGroup, Lineage, Node, NodeKind, Relation
from controlplane.tracking import links
from controlplane.tracking.model import DatasetInput, ModelVersion, Run

ORIGIN_KIND = "mlp.io/origin-kind"
ORIGIN_NAME = "mlp.io/origin-name"
ORIGIN_EXPERIMENT = "mlp.io/origin-experiment"
POD = "mlp.io/pod"
IMAGE = "mlp.io/image"
USER = "mlp.io/user"
"""Tags that pods of workspaces give their runs (components/tracking/client/origin.py)."""
PARENT = "mlflow.parentRunId"
_COMMIT, _REPOSITORY, _BRANCH = "mlflow.source.git.commit", "mlflow.source.git.repoURL", "mlflow.source.git.branch"
_SOURCE, _SOURCE_TYPE = "mlflow.source.name", "mlflow.source.type"
_MOST = 100
"""Parameters, and metrics, of one run."""
_LONGEST = 300

ORIGINS: Mapping[str, tuple[NodeKind, ContentKind | None]] = {
    "Notebook": (NodeKind.NOTEBOOK, None),
    "TrainJob": (NodeKind.JOB, ContentKind.TRAINJOB),
    "TFJob": (NodeKind.JOB, ContentKind.TFJOB),
    "PyTorchJob": (NodeKind.JOB, ContentKind.PYTORCHJOB),
    "MPIJob": (NodeKind.JOB, ContentKind.MPIJOB),
    "Job": (NodeKind.JOB, ContentKind.JOB),
    "Workflow": (NodeKind.PIPELINE, ContentKind.WORKFLOW),
    "Trial": (NodeKind.TRIAL, None),
    "InferenceService": (NodeKind.ENDPOINT, ContentKind.INFERENCESERVICE),
    "Pod": (NodeKind.POD, None),
}


@dataclass(frozen=True)
class Place:
    """The workspace, for addresses."""

    tenant: str
    workspace: str
    namespace: str

    def content(self, kind: ContentKind, name: str) -> str:
        return f"/workspaces/{self.tenant}/{self.workspace}/contents/{kind}/{quote(name, safe='')}"


@dataclass
class Graph:
    """Every node once, in the order of its first mention; a node that is seen later replaces one known by name."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)

    def add(self, node: Node) -> str:
        known = self.nodes.get(node.id)
        if known is None or (node.present and not known.present):
            self.nodes[node.id] = node
        return node.id

    def link(self, source: str, relation: Relation, target: str) -> None:
        self.edges[Edge(source=source, target=target, relation=relation)] = None

    def document(self, root: str) -> Lineage:
        return Lineage(root=root, nodes=tuple(self.nodes.values()), edges=tuple(self.edges))


def run_node(place: Place, run: Run) -> Node:
    general = {"status": run.status.lower(), "by": run.tags.get(USER) or run.user.removeprefix("user:")}
    if run.started_at:
        general["started"] = run.started_at.isoformat(timespec="seconds")
    if run.started_at and run.ended_at:
        general["seconds"] = f"{(run.ended_at - run.started_at).total_seconds():.0f}"
    return Node(
        id=run_id(run.id), kind=NodeKind.RUN, name=run.name or run.id, present=True,
        facts=(
            *_facts(FactGroup.GENERAL, {"id": run.id, **general}),
            *_facts(FactGroup.PARAMETER, run.parameters),
            *_facts(FactGroup.METRIC, {name: f"{value:g}" for name, value in run.metrics.items()}),
        ),
        url=links.run(place.namespace, run.experiment, run.id),
    )  # fmt: skip


def missing_run(run: str) -> Node:
    return Node(id=run_id(run), kind=NodeKind.RUN, name=run, facts=(), url=None, present=False)


def run_id(run: str) -> str:
    return f"run:{run}"


def version_node(place: Place, version: ModelVersion) -> Node:
    general = {
        "aliases": ", ".join(version.aliases),
        "registered": version.created_at.isoformat(timespec="seconds") if version.created_at else "",
        "description": version.description,
    }
    return Node(
        id=version_id(version.name, version.version), kind=NodeKind.MODEL_VERSION,
        name=f"{version.name} version {version.version}", facts=_facts(FactGroup.GENERAL, general), present=True,
        url=links.version(place.namespace, version.name, version.version),
    )  # fmt: skip


def missing_version(name: str, version: int) -> Node:
    return Node(
        id=version_id(name, version), kind=NodeKind.MODEL_VERSION, name=f"{name} version {version}", facts=(),
        url=None, present=False,
    )  # fmt: skip


def version_id(name: str, version: int) -> str:
    return f"version:{name}/{version}"


def endpoint_node(place: Place, name: str, facts: Mapping[str, str], *, present: bool = True) -> Node:
    return Node(
        id=f"endpoint:{name}", kind=NodeKind.ENDPOINT, name=name, facts=_facts(FactGroup.GENERAL, facts),
        url=place.content(ContentKind.INFERENCESERVICE, name) if present else None, present=present,
    )  # fmt: skip


def add_inputs(graph: Graph, run: Run) -> None:
    """Data and code of a run."""
    for dataset in run.datasets:
        graph.link(run_id(run.id), Relation.READ, graph.add(_dataset_node(dataset)))
    code = _code_node(run.tags)
    if code is not None:
        graph.link(run_id(run.id), Relation.RAN_CODE, graph.add(code))
    image = run.tags.get(IMAGE, "")
    if image:
        node = Node(id=f"image:{image}", kind=NodeKind.IMAGE, name=image, facts=(), url=None, present=True)
        graph.link(run_id(run.id), Relation.RAN_IN, graph.add(node))


def _dataset_node(dataset: DatasetInput) -> Node:
    facts = {"used for": dataset.context, "from": dataset.source_type, "source": _source(dataset.source)}
    return Node(
        id=f"dataset:{dataset.name}:{dataset.digest}", kind=NodeKind.DATASET, name=dataset.name or "dataset",
        facts=_facts(FactGroup.GENERAL, {"digest": dataset.digest, **facts}), url=None, present=True,
    )  # fmt: skip


def _source(text: str) -> str:
    """The address in a dataset's source, which MLflow keeps as JSON; the text itself where it has none."""
    try:
        data = json.loads(text)
    except ValueError:
        return text
    if not isinstance(data, dict):
        return text
    found = (data.get(name) for name in ("uri", "url", "path", "name"))
    return next((value for value in found if isinstance(value, str) and value), text)


def _code_node(tags: Mapping[str, str]) -> Node | None:
    commit, source = tags.get(_COMMIT, ""), tags.get(_SOURCE, "")
    if not commit and not source:
        return None
    facts = {
        "commit": commit, "repository": tags.get(_REPOSITORY, ""), "branch": tags.get(_BRANCH, ""),
        "file": source, "type": tags.get(_SOURCE_TYPE, "").lower(),
    }  # fmt: skip
    return Node(
        id=f"code:{commit}:{source}", kind=NodeKind.CODE, name=source.rpartition("/")[2] or commit[:12],
        facts=_facts(FactGroup.GENERAL, facts), url=None, present=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """What started a run, as its tags say. `kind` is Kubernetes' name, or Notebook."""

    kind: str
    name: str
    experiment: str
    pod: str
    user: str


def origin_of(tags: Mapping[str, str]) -> Origin | None:
    """None for a run from outside of the platform's pods."""
    kind, name = tags.get(ORIGIN_KIND, ""), tags.get(ORIGIN_NAME, "")
    if kind not in ORIGINS or not name:
        return None
    return Origin(kind, name, tags.get(ORIGIN_EXPERIMENT, ""), tags.get(POD, ""), tags.get(USER, ""))


def origin_node(place: Place, origin: Origin, *, present: bool) -> Node:
    """`present`: whether the cluster still has it."""
    kind, content = ORIGINS[origin.kind]
    url = place.content(content, origin.name) if content and present else None
    return Node(
        id=f"origin:{origin.kind}/{origin.name}", kind=kind,
        name=origin.name if kind is not NodeKind.JOB else f"{origin.kind} {origin.name}",
        facts=_facts(FactGroup.GENERAL, {"pod": origin.pod, "user": origin.user}), url=url, present=present,
    )  # fmt: skip


def experiment_node(place: Place, name: str, *, present: bool) -> Node:
    return Node(
        id=f"experiment:{name}", kind=NodeKind.EXPERIMENT, name=name, facts=(), present=present,
        url=place.content(ContentKind.EXPERIMENT, name) if present else None,
    )  # fmt: skip


def _facts(group: FactGroup, values: Mapping[str, str]) -> tuple[Fact, ...]:
    said: Iterable[tuple[str, str]] = [(name, value) for name, value in values.items() if value]
    return tuple(Fact(group=group, name=name, value=value[:_LONGEST]) for name, value in list(said)[:_MOST])
