"""The graph of a workflow: groups and attempts are gone, what depends on what is left."""

from __future__ import annotations

import gzip
from base64 import b64encode
from typing import Any

import pytest

from controlplane.contents.model import ContentState, StepGraph
from controlplane.contents.reading import pipelines
from controlplane.contents.reading.graph import graph
from controlplane.contents.reading.nodes import nodes
from tests.unit.contents.argo import node, packed, pod, workflow

DIAMOND = workflow({
    "root": node("DAG", "a"),
    "a": node("Pod", "b", "c", second=1),
    "b": node("Pod", "d", second=2),
    "c": node("Pod", "d", second=3, phase="Failed"),
    "d": node("Pod", second=4, phase="Omitted", type="Skipped"),
})  # fmt: skip


def made(obj: dict[str, Any], *pods: dict[str, Any], **more: Any) -> StepGraph:
    found = graph(obj, pods, **more)
    assert found is not None
    return found


def test_tasks_follow_what_they_depend_on() -> None:
    found = made(DIAMOND, pod("w-a-1", "a"))
    assert [step.name for step in found.steps] == ["a", "b", "c", "d"]
    assert set(found.edges) == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}
    assert [(step.id, step.pod) for step in found.steps if step.pod] == [("a", "w-a-1")]
    assert [step.state for step in found.steps][2] is ContentState.FAILED
    assert [step.note for step in found.steps] == ["", "", "", "left out"]
    assert (found.joints, found.total) == ((), 4)


def test_a_group_of_one_leaves_no_trace_and_one_of_many_is_a_joint() -> None:
    narrow = workflow({
        "root": node("Steps", "g0"),
        "g0": node("StepGroup", "a"), "a": node("Pod", "g1", second=1),
        "g1": node("StepGroup", "b", "c"), "b": node("Pod", second=2), "c": node("Pod", second=3),
    })  # fmt: skip
    assert set(made(narrow).edges) == {("a", "b"), ("a", "c")}
    wide = {f"a{n}": node("Pod", "g1", second=n) for n in range(3)}
    wide |= {f"b{n}": node("Pod", second=10 + n) for n in range(3)}
    groups = {"root": node("Steps", "g0"), "g0": node("StepGroup", "a0", "a1", "a2")}
    found = made(workflow(groups | wide | {"g1": node("StepGroup", "b0", "b1", "b2")}))
    assert found.joints == ("g1",)
    assert len(found.edges) == 6, "not nine"


def test_attempts_are_one_box_with_the_log_of_the_last() -> None:
    obj = workflow({
        "root": node("DAG", "r"),
        "r": node("Retry", "r0", "r1", phase="Running", second=1),
        "r0": node("Pod", phase="Failed", second=1), "r1": node("Pod", "next", phase="Running", second=2),
        "next": node("Pod", phase="Pending", second=3),
    })  # fmt: skip
    found = made(obj, pod("w-r-0", "r0"), pod("w-r-1", "r1"))
    assert [(s.name, s.note, s.pod) for s in found.steps] == [("r", "2 attempts", "w-r-1"), ("next", "", None)]
    assert found.edges == (("r", "next"),)
    steps = pipelines.steps(obj, [pod("w-r-1", "r1")])
    assert [(step.name, step.pod) for step in steps] == [("r", "w-r-1"), ("next", None)]


def test_of_a_group_that_was_tried_again_only_the_last_try_is_shown() -> None:
    found = made(workflow({
        "r": node("Retry", "t0", "t1"),
        "t0": node("DAG", "x0", phase="Failed"), "x0": node("Pod", phase="Failed", second=1),
        "t1": node("DAG", "x1"), "x1": node("Pod", "end", second=2), "end": node("Pod", second=3),
    }))  # fmt: skip
    assert [step.id for step in found.steps] == ["x1", "end"]
    assert found.edges == (("x1", "end"),)


def test_containers_of_a_set_are_read_in_its_pod() -> None:
    found = made(
        workflow({"set": node("Pod", "one"), "one": node("Container", boundaryID="set", second=1)}), pod("p", "set")
    )
    assert [step.pod for step in found.steps] == ["p", "p"]


def test_a_large_workflow_keeps_what_failed_and_stays_connected() -> None:
    chain = {f"s{n}": node("Pod", f"s{n + 1}", second=n % 60) for n in range(400)}
    chain["s400"] = node("Pod", phase="Failed", second=59)
    found = made(workflow(chain), most=10)
    assert (len(found.steps), found.total) == (10, 401)
    assert found.steps[-1].id == "s400"
    assert len(found.edges) == 9, "what is not drawn is passed through"


def test_nodes_that_are_packed_are_read_the_same() -> None:
    assert made(packed(DIAMOND)) == made(DIAMOND)


@pytest.mark.parametrize(
    "text", ["no base64!", b64encode(b"no gzip").decode(), b64encode(gzip.compress(b"[1]")).decode(),
             b64encode(gzip.compress(b"[" * 100_000)).decode(), b64encode(gzip.compress(b"{}")[:-9]).decode()],
    ids=["no base64", "not packed", "a list", "no end of lists", "cut off"],  # what is packed holds the time
)  # fmt: skip
def test_nonsense_in_a_status_is_no_graph(text: str) -> None:
    assert graph({"status": {"compressedNodes": text}}) is None


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b'{"a": "' + b"x" * (40 * 1024 * 1024) + b'"}')
    assert nodes({"status": {"compressedNodes": b64encode(bomb).decode()}}) == {}


def test_what_people_write_into_a_status_breaks_nothing() -> None:
    odd = {
        "a": node("Pod", "a", "b", "gone"), "b": node("Pod", "a"), "c": "no node", "d": {"type": "Pod", "children": 7},
        "e": node("DAG", "f"), "f": node("DAG", "e"), "g": node("Retry", "g"), "h": node("Retry", "i", "h"),
        "i": node("Retry", "h"), "j": {},
    }  # fmt: skip
    found = graph({"status": {"nodes": odd}})
    assert found is not None
    assert {("a", "b"), ("b", "a")} <= set(found.edges)
    assert graph({"status": {"nodes": ["a"]}}) is None
    assert graph({}) is None
