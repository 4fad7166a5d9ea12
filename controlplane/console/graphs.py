"""The graph of a workflow as boxes and lines with words on them, for its drawing as SVG. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.console.layered import Box, Line, layout
from controlplane.console.signs import CONTENT, Sign
from controlplane.console.text import duration, sentence
from controlplane.contents.model import Step, StepGraph
from controlplane.contents.reading.graph import LEFT_OUT

_WIDTH, _HEIGHT, _JOINT = 184.0, 52.0, 10.0
_LETTERS = 20
"""As many of a name fit into a box."""
_MARGIN = 4
"""Room for the strokes and the focus of boxes at the edge."""
_DESCRIBED = 60
"""Of more steps than this a description by ear is no help; the table is."""


@dataclass(frozen=True)
class Drawn:
    step: Step
    title: str
    """The name, cut where it is too long for the box."""
    words: str
    """State and what else there is to say, such as `Failed, 3 attempts`."""
    sign: Sign
    box: Box


@dataclass(frozen=True)
class Drawing:
    """Lengths in pixels."""

    width: int
    height: int
    boxes: tuple[Drawn, ...]
    joints: tuple[Box, ...]
    paths: tuple[str, ...]
    """`d` of SVG paths."""
    description: str
    """The graph in words."""
    more: int
    """Steps that are not drawn."""


def drawing(graph: StepGraph) -> Drawing:
    sizes = {step.id: (_WIDTH, _HEIGHT) for step in graph.steps} | dict.fromkeys(graph.joints, (_JOINT, _JOINT))
    found = layout(sizes, graph.edges)
    return Drawing(
        width=round(found.width) + 2 * _MARGIN,
        height=round(found.height) + 2 * _MARGIN,
        boxes=tuple(_drawn(step, _moved(found.boxes[step.id])) for step in graph.steps),
        joints=tuple(_moved(found.boxes[joint]) for joint in graph.joints),
        paths=tuple(_path(line) for line in found.lines),
        description=_description(graph),
        more=graph.total - len(graph.steps),
    )


def _moved(box: Box) -> Box:
    return Box(box.x + _MARGIN, box.y + _MARGIN, box.width, box.height)


def _drawn(step: Step, box: Box) -> Drawn:
    title = step.name if len(step.name) <= _LETTERS else f"{step.name[: _LETTERS - 1]}…"
    return Drawn(step, title, _words(step), CONTENT[step.state], box)


def _words(step: Step) -> str:
    if step.note == LEFT_OUT:
        return sentence(LEFT_OUT)
    took = ""
    if step.started_at and step.ended_at:
        took = duration((step.ended_at - step.started_at).total_seconds())
    return ", ".join(part for part in (CONTENT[step.state].text, step.note or took) if part)


def _path(line: Line) -> str:
    """Down in curves; straight through the layers that it crosses."""
    points = [(x + _MARGIN, y + _MARGIN) for x, y in line.points]
    (x, y), *rest = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2:
            parts.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            middle = (y + to_y) / 2
            parts.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(parts)


def _description(graph: StepGraph) -> str:
    if len(graph.steps) > _DESCRIBED:
        return f"{len(graph.steps)} steps; the table below names each with its state."
    names = {step.id: step.name for step in graph.steps}
    nexts: dict[str, list[str]] = {}
    for source, target in graph.edges:
        nexts.setdefault(source, []).append(target)
    said = []
    for step in graph.steps:
        after = [
            names[far]
            for near in nexts.get(step.id, ())
            for far in ([near] if near in names else nexts.get(near, ()))
            if far in names
        ]
        then = f", then {', '.join(dict.fromkeys(after))}" if after else ""
        said.append(f"{step.name}: {_words(step).lower()}{then}.")
    return " ".join(said)
