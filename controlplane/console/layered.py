"""Where the boxes of a graph go: in layers from top to bottom, lines between them around what is in their way. Pure.

The steps of Sugiyama, each in its simplest form: circles are cut, a box stands below everything that leads to it, a
line over several layers gets a place in each, neighbours are ordered by the mean of their neighbours, and every layer
is then moved as near to what it belongs to as its boxes have room.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

GAP, ROW = 24.0, 40.0
"""Between boxes of one layer, and between layers."""
_LANE = 8.0
"""Width of the place that a line takes in a layer which it crosses."""
_ROUNDS = 6
_Key = Hashable
_Links = dict[Any, list[Any]]


@dataclass(frozen=True)
class Box:
    """`x` and `y` of its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """From the lower edge of `source` to the upper edge of `target`; between them one point for each edge of a layer
    that it crosses."""

    source: str
    target: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Layout:
    width: float
    height: float
    boxes: Mapping[str, Box]
    lines: tuple[Line, ...]


def layout(sizes: Mapping[str, tuple[float, float]], edges: Iterable[tuple[str, str]]) -> Layout:
    """`sizes`: width and height by id. Edges to unknown ids, to themselves and given twice are left out, and of a
    circle the edge that closes it."""
    known = dict.fromkeys((a, b) for a, b in edges if a in sizes and b in sizes and a != b)
    kept = _without_circles(list(sizes), list(known))
    depth = _depths(list(sizes), kept)
    rows, chains = _rows(depth, kept)
    above, below = _neighbours(chains)
    _order(rows, above, below)
    widths = {key: sizes[key][0] if isinstance(key, str) else _LANE for row in rows for key in row}
    centres = _centres(rows, widths, above, below)
    return _placed(rows, sizes, widths, centres, chains)


def _without_circles(keys: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    nexts: _Links = {key: [] for key in keys}
    for source, target in edges:
        nexts[source].append(target)
    kept: list[tuple[str, str]] = []
    done: set[str] = set()
    for root in keys:
        on_way: dict[str, int] = {}
        way = [] if root in done else [root]
        while way:
            key = way[-1]
            place = on_way.setdefault(key, 0)
            if place == len(nexts[key]):
                done.add(key)
                del on_way[key]
                way.pop()
                continue
            on_way[key] = place + 1
            target = nexts[key][place]
            if target in on_way:
                continue
            kept.append((key, target))
            if target not in done:
                way.append(target)
    return kept


def _depths(keys: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way to each; `edges` without circles."""
    nexts: _Links = {key: [] for key in keys}
    missing = dict.fromkeys(keys, 0)
    for source, target in edges:
        nexts[source].append(target)
        missing[target] += 1
    depth = dict.fromkeys(keys, 0)
    ready = [key for key in keys if not missing[key]]
    for key in ready:  # grows as it goes
        for target in nexts[key]:
            depth[target] = max(depth[target], depth[key] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return depth


def _rows(
    depth: Mapping[str, int], edges: Sequence[tuple[str, str]]
) -> tuple[list[list[_Key]], dict[tuple[str, str], list[_Key]]]:
    """The layers, and for every edge what it passes: its ends, and a lane in each layer between them."""
    rows: list[list[_Key]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key, level in depth.items():
        rows[level].append(key)
    chains = {}
    for source, target in edges:
        lanes: list[_Key] = []
        for level in range(depth[source] + 1, depth[target]):
            lane = (source, target, level)
            rows[level].append(lane)
            lanes.append(lane)
        chains[source, target] = [source, *lanes, target]
    return rows, chains


def _neighbours(chains: Mapping[tuple[str, str], list[_Key]]) -> tuple[_Links, _Links]:
    above: _Links = {}
    below: _Links = {}
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    return above, below


def _order(rows: list[list[_Key]], above: _Links, below: _Links) -> None:
    """Sorts each layer by the mean place of what it hangs on, down and up in turn."""
    for step in range(_ROUNDS):
        downwards = step % 2 == 0
        links = above if downwards else below
        for level in range(len(rows)) if downwards else reversed(range(len(rows))):
            beside = level - 1 if downwards else level + 1
            if not 0 <= beside < len(rows):
                continue
            place = {key: float(index) for index, key in enumerate(rows[beside])}
            own = {key: float(index) for index, key in enumerate(rows[level])}
            means = {key: _mean([place[each] for each in links.get(key, ())], own[key]) for key in rows[level]}
            rows[level].sort(key=means.__getitem__)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _centres(
    rows: Sequence[Sequence[_Key]], widths: Mapping[_Key, float], above: _Links, below: _Links
) -> dict[_Key, float]:  # fmt: skip
    centres: dict[_Key, float] = {}
    for row in rows:
        left = 0.0
        for key in row:
            centres[key] = left + widths[key] / 2
            left += widths[key] + GAP
    for step in range(_ROUNDS):
        links = above if step % 2 == 0 else below
        for row in rows if step % 2 == 0 else reversed(rows):
            wanted = [_mean([centres[each] for each in links.get(key, ())], centres[key]) for key in row]
            for key, centre in zip(row, spread(wanted, [widths[key] for key in row]), strict=True):
                centres[key] = centre
    return centres


def spread(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Centres in the given order that overlap nowhere and are together as near to those wanted as can be (least
    squares): what would overlap moves as one block."""
    offsets = [0.0]
    for left, right in pairwise(widths):
        offsets.append(offsets[-1] + (left + right) / 2 + GAP)
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=False):
        total, count = want - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before, many = blocks.pop()
            total, count = total + before, count + many
        blocks.append((total, count))
    moved = [total / count for total, count in blocks for _ in range(count)]
    return [start + offset for start, offset in zip(moved, offsets, strict=False)]


def _placed(
    rows: Sequence[Sequence[_Key]], sizes: Mapping[str, tuple[float, float]], widths: Mapping[_Key, float],
    centres: Mapping[_Key, float], chains: Mapping[tuple[str, str], list[_Key]],
) -> Layout:  # fmt: skip
    left = min((centres[key] - widths[key] / 2 for row in rows for key in row), default=0.0)
    boxes: dict[str, Box] = {}
    spans: dict[_Key, tuple[float, float]] = {}
    top = 0.0
    for row in rows:
        tall = max((sizes[key][1] for key in row if isinstance(key, str)), default=0.0)
        for key in row:
            if isinstance(key, str):
                width, height = sizes[key]
                start = top + (tall - height) / 2
                boxes[key] = Box(centres[key] - left - width / 2, start, width, height)
                spans[key] = (start, start + height)
            else:
                spans[key] = (top, top + tall)
        top += tall + ROW
    lines = []
    for (source, target), chain in chains.items():
        points = [(centres[chain[0]] - left, spans[chain[0]][1])]
        for lane in chain[1:-1]:
            points += [(centres[lane] - left, edge) for edge in spans[lane]]
        points.append((centres[chain[-1]] - left, spans[chain[-1]][0]))
        lines.append(Line(source, target, tuple(points)))
    right = max((centres[key] + widths[key] / 2 for row in rows for key in row), default=0.0)
    return Layout(right - left, max(top - ROW, 0.0), boxes, tuple(lines))
