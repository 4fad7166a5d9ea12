"""Where boxes go: no two overlap, lines lead down, and the same graph looks the same."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest

from controlplane.console.layered import GAP, ROW, Layout, layout, spread

SIZE = (100.0, 40.0)


def overlaps(found: Layout) -> list[tuple[str, str]]:
    return [
        (a, b)
        for (a, one), (b, two) in combinations(found.boxes.items(), 2)
        if one.x < two.x + two.width and two.x < one.x + one.width and one.y < two.y + two.height
        and two.y < one.y + one.height
    ]  # fmt: skip


def test_a_chain_is_a_column() -> None:
    found = layout(dict.fromkeys("abc", SIZE), [("a", "b"), ("b", "c")])
    assert {box.x for box in found.boxes.values()} == {0.0}
    assert [found.boxes[key].y for key in "abc"] == [0, 40 + ROW, 2 * (40 + ROW)]
    assert (found.width, found.height) == (100, 3 * 40 + 2 * ROW)


def test_a_diamond_is_even() -> None:
    found = layout(dict.fromkeys("abcd", SIZE), [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
    assert found.boxes["b"].x + 100 + GAP == found.boxes["c"].x
    assert found.boxes["a"].x == found.boxes["d"].x == (100 + GAP) / 2


def test_a_line_over_a_layer_goes_around_what_is_in_it() -> None:
    found = layout(dict.fromkeys("abc", SIZE), [("a", "b"), ("b", "c"), ("a", "c")])
    line = next(line for line in found.lines if (line.source, line.target) == ("a", "c"))
    middle = found.boxes["b"]
    assert len(line.points) == 4
    assert all(not middle.x <= x <= middle.x + middle.width for x, _ in line.points[1:3])


def test_lines_do_not_cross_where_they_need_not() -> None:
    found = layout(dict.fromkeys("abxy", SIZE), [("a", "y"), ("b", "x")])
    assert (found.boxes["a"].x < found.boxes["b"].x) == (found.boxes["y"].x < found.boxes["x"].x)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_graph_boxes_do_not_overlap_and_lines_lead_down(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - examples, not secrets
    keys = [f"n{number}" for number in range(draw.randint(1, 60))]
    sizes = {key: draw.choice([SIZE, (10.0, 10.0)]) for key in keys}
    edges = [(draw.choice(keys), draw.choice(keys)) for _ in range(draw.randint(0, 120))]
    found = layout(sizes, edges)
    assert overlaps(found) == []
    assert found.boxes.keys() == sizes.keys()
    for line in found.lines:
        assert all(upper[1] <= lower[1] for upper, lower in pairwise(line.points))
        assert found.boxes[line.source].y < found.boxes[line.target].y
    assert all(box.x >= 0 and box.x + box.width <= found.width + 1e-6 for box in found.boxes.values())
    assert layout(sizes, edges) == found


def test_circles_and_what_is_unknown_are_left_out() -> None:
    found = layout(dict.fromkeys("ab", SIZE), [("a", "b"), ("b", "a"), ("a", "a"), ("a", "z"), ("a", "b")])
    assert [(line.source, line.target) for line in found.lines] == [("a", "b")]
    assert layout({}, []) == Layout(0.0, 0.0, {}, ())


def test_a_long_chain_needs_no_deep_stack() -> None:
    keys = [str(number) for number in range(3000)]
    assert len(layout(dict.fromkeys(keys, SIZE), pairwise(keys)).lines) == 2999


def test_what_would_overlap_moves_as_one() -> None:
    assert spread([0, 0], [100, 100]) == [-(100 + GAP) / 2, (100 + GAP) / 2]
    assert spread([0, 500], [100, 100]) == [0, 500]
    assert spread([], []) == []
