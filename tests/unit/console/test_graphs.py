"""Words and lines of a workflow's drawing."""

from __future__ import annotations

from controlplane.console.graphs import Drawing, drawing
from controlplane.contents.reading.graph import graph
from tests.unit.contents.argo import node, workflow


def drawn(nodes: dict[str, dict[str, object]], most: int = 150) -> Drawing:
    found = graph(workflow(nodes), most=most)
    assert found is not None
    return drawing(found)


def test_boxes_say_what_they_are_and_how_they_ended() -> None:
    found = drawn({
        "a-step-with-a-rather-long-name": node("Pod", "b", finishedAt="2026-01-02T03:06:05Z"),
        "b": node("Pod", phase="Failed", second=1),
        "c": node("Skipped", phase="Skipped", second=2),
    })  # fmt: skip
    assert [(box.title, box.words) for box in found.boxes] == [
        ("a-step-with-a-rathe…", "Done, 2 min 5 s"), ("b", "Failed"), ("c", "Left out"),
    ]  # fmt: skip
    assert found.description == (
        "a-step-with-a-rather-long-name: done, 2 min 5 s, then b. b: failed. c: left out."
    )  # fmt: skip
    assert all(path.startswith("M") and "C" in path for path in found.paths)
    assert all(box.box.x >= 0 and box.box.x + box.box.width <= found.width for box in found.boxes)


def test_the_description_looks_through_joints() -> None:
    many = {f"a{n}": node("Pod", "g", second=n) for n in range(3)} | {"g": node("StepGroup", "b0", "b1", "b2")}
    found = drawn(many | {f"b{n}": node("Pod", second=9) for n in range(3)})
    assert len(found.joints) == 1
    assert "a0: done, then b0, b1, b2." in found.description


def test_a_large_one_says_how_much_is_not_drawn() -> None:
    found = drawn({f"s{n}": node("Pod", second=n % 60) for n in range(90)}, most=70)
    assert (len(found.boxes), found.more) == (70, 20)
    assert found.description == "70 steps; the table below names each with its state."
