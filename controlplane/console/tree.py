"""A lineage as nested lists: every node once, from the one that was asked about on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.lineage.model import Edge, FactGroup, Lineage, Node, NodeKind, Relation

KINDS: Mapping[NodeKind, str] = {
    NodeKind.ENDPOINT: "Endpoint",
    NodeKind.MODEL_VERSION: "Model version",
    NodeKind.RUN: "Run",
    NodeKind.DATASET: "Dataset",
    NodeKind.CODE: "Code",
    NodeKind.IMAGE: "Image",
    NodeKind.NOTEBOOK: "Notebook",
    NodeKind.JOB: "Job",
    NodeKind.PIPELINE: "Pipeline",
    NodeKind.TRIAL: "Trial",
    NodeKind.EXPERIMENT: "Experiment",
    NodeKind.POD: "Pod",
}
_FORWARD: Mapping[Relation, str] = {
    Relation.SERVES: "serves",
    Relation.SPLITS_WITH: "shares its calls with",
    Relation.MADE_BY: "was made by",
    Relation.READ: "read",
    Relation.RAN_CODE: "ran",
    Relation.RAN_IN: "ran in",
    Relation.STARTED_BY: "was started by",
    Relation.PART_OF: "is part of",
}
_BACK: Mapping[Relation, str] = {
    Relation.SERVES: "is served by",
    Relation.SPLITS_WITH: "takes calls of",
    Relation.MADE_BY: "made",
    Relation.READ: "was read by",
    Relation.RAN_CODE: "was run by",
    Relation.RAN_IN: "ran",
    Relation.STARTED_BY: "started",
    Relation.PART_OF: "contains",
}


@dataclass(frozen=True)
class Branch:
    """`relation` says how it stands to the node above; empty at the root."""

    node: Node
    kind: str
    relation: str
    children: tuple[Branch, ...]

    @property
    def general(self) -> tuple[tuple[str, str], ...]:
        return tuple((f.name, f.value) for f in self.node.facts if f.group is FactGroup.GENERAL)

    @property
    def measured(self) -> tuple[tuple[str, str], ...]:
        """Parameters and metrics."""
        return tuple((f.name, f.value) for f in self.node.facts if f.group is not FactGroup.GENERAL)


def tree(lineage: Lineage) -> Branch:
    nodes = {node.id: node for node in lineage.nodes}
    return _branch(lineage.root, "", nodes, lineage.edges, set())


def _branch(
    node: str, relation: str, nodes: Mapping[str, Node], edges: tuple[Edge, ...], seen: set[str]
) -> Branch:  # fmt: skip
    seen.add(node)
    children = []
    for edge in edges:
        if edge.source == node and edge.target not in seen:
            children.append(_branch(edge.target, _FORWARD[edge.relation], nodes, edges, seen))
        elif edge.target == node and edge.source not in seen:
            children.append(_branch(edge.source, _BACK[edge.relation], nodes, edges, seen))
    return Branch(nodes[node], KINDS[nodes[node].kind], relation, tuple(children))
