"""A lineage as nested lists, on the page and on the command line."""

from __future__ import annotations

from controlplane.console.tree import tree
from controlplane.lineage.model import Edge, Fact, FactGroup, Lineage, Node, NodeKind, Relation
from infra.cli.lineage import tree as lines


def _node(node: str, kind: NodeKind, *facts: Fact) -> Node:
    return Node(id=node, kind=kind, name=node, facts=facts, url=None, present=node != "job")


def _edge(source: str, relation: Relation, target: str) -> Edge:
    return Edge(source=source, target=target, relation=relation)


ACCURACY = Fact(group=FactGroup.METRIC, name="accuracy", value="0.9")
GRAPH = Lineage(
    root="run",
    nodes=(
        _node("run", NodeKind.RUN, ACCURACY), _node("version", NodeKind.MODEL_VERSION), _node("data", NodeKind.DATASET),
        _node("endpoint", NodeKind.ENDPOINT), _node("job", NodeKind.JOB),
    ),
    edges=(
        _edge("run", Relation.READ, "data"), _edge("run", Relation.STARTED_BY, "job"),
        _edge("version", Relation.MADE_BY, "run"), _edge("endpoint", Relation.SERVES, "version"),
    ),
)  # fmt: skip


def test_every_relation_reads_in_both_directions() -> None:
    one, other = _node("one", NodeKind.ENDPOINT), _node("other", NodeKind.ENDPOINT)
    for relation in Relation:
        for root in ("one", "other"):
            graph = Lineage(root=root, nodes=(one, other), edges=(_edge("one", relation, "other"),))
            (child,) = tree(graph).children
            assert child.relation
            assert len(list(lines(graph.model_dump(mode="json")))) == 2


def test_every_node_stands_once_and_reads_in_both_directions() -> None:
    root = tree(GRAPH)
    assert [(c.relation, c.node.name) for c in root.children] == [
        ("read", "data"), ("was started by", "job"), ("made", "version"),
    ]  # fmt: skip
    assert [(c.relation, c.node.name) for c in root.children[2].children] == [("is served by", "endpoint")]
    assert root.measured == (("accuracy", "0.9"),)


def test_a_circle_ends() -> None:
    around = GRAPH.model_copy(update={"edges": (*GRAPH.edges, _edge("data", Relation.PART_OF, "endpoint"))})
    names: list[str] = []

    def walk(branch) -> None:  # type: ignore[no-untyped-def]
        names.append(branch.node.name)
        for child in branch.children:
            walk(child)

    walk(tree(around))
    assert sorted(names) == ["data", "endpoint", "job", "run", "version"]


def test_the_command_line_shows_the_same() -> None:
    assert list(lines(GRAPH.model_dump(mode="json"))) == [
        "run run: accuracy 0.9",
        "  read dataset data",
        "  started by job job (gone)",
        "  made model-version version",
        "    served by endpoint endpoint",
    ]
