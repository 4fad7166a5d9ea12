"""Boxes within frames as SVG: light, readable in print at A4, complete in itself. Pure.

Text is measured by a mean width of its letters; what is too long for its box is broken, or cut with an ellipsis.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

Mark = Literal["", "create", "change", "replace", "destroy"]

SIGNS: dict[Mark, tuple[str, str, str]] = {
    "create": ("+", "#1a7f37", "to create"),
    "change": ("~", "#9a6700", "to change"),
    "replace": ("±", "#bc4c00", "to replace"),
    "destroy": ("-", "#cf222e", "to destroy"),
}
"""Mark → sign, colour, words. Colours hold 4.5:1 on white."""

_INK, _QUIET, _LINE, _PAPER = "#1f2328", "#57606a", "#8c959f", "#ffffff"
_TINTS = ("#f6f8fa", "#eef4fb", "#f3f0fa", "#ffffff")
"""Backgrounds of frames by depth."""

_TITLE, _TEXT = 14, 12
_LETTER = 0.56
"""Mean width of a letter in parts of its size."""
_PAD, _GAP, _ROW = 12, 12, 17
_HEAD = 30


@dataclass(frozen=True)
class Box:
    """A thing: its name, lines below it, and what happens to it."""

    title: str
    lines: tuple[str, ...] = ()
    mark: Mark = ""
    dashed: bool = False
    """For what is not made by the installation itself."""


@dataclass(frozen=True)
class Frame:
    """A place that holds things, side by side in `columns` of equal width."""

    title: str
    children: tuple[Box | Frame, ...]
    columns: int = 1
    note: str = ""
    mark: Mark = ""


@dataclass(frozen=True)
class Picture:
    """The whole drawing: columns from left to right, each with a width in parts, and a line of text below."""

    title: str
    subtitle: str
    columns: tuple[tuple[int, tuple[Box | Frame, ...]], ...]
    footer: tuple[str, ...] = ()


Part = Box | Frame


@dataclass(frozen=True)
class _Place:
    """A rectangle on the sheet."""

    x: float
    y: float
    width: float
    height: float


def svg(picture: Picture, width: int = 1400) -> str:
    """The drawing as an SVG document of that width; its height follows from what it holds."""
    top = 78
    parts = sum(share for share, _ in picture.columns)
    inner = width - 2 * 24 - _GAP * (len(picture.columns) - 1)
    body: list[str] = []
    left, lowest = 24.0, top
    for share, children in picture.columns:
        column = inner * share / parts
        height = top
        for child in children:
            needed = _height(child, column)
            body += _part(child, _Place(left, height, column, needed), 0)
            height += needed + _GAP
        lowest = max(lowest, height)
        left += column + _GAP
    footer = lowest + 14
    height = footer + _ROW * (len(picture.footer) + 1) + 6
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img" aria-labelledby="topology-title topology-desc" '
            'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif">',
            f'<title id="topology-title">{escape(picture.title)}</title>',
            f'<desc id="topology-desc">{escape(description(picture))}</desc>',
            f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>',
            _text(24, 38, picture.title, 22, weight=650),
            _text(24, 60, picture.subtitle, 13, _QUIET),
            *body,
            *_legend(24, footer),
            *(_text(24, footer + _ROW * (row + 1), line, 12, _QUIET) for row, line in enumerate(picture.footer)),
            "</svg>",
            "",
        ]
    )


def html(picture: Picture) -> str:
    """The drawing as a page that prints on one sheet of A4, with its content as a list for those who can't see it."""
    drawing = svg(picture).replace("<svg ", '<svg style="width:100%;height:auto" ', 1)
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            f'<head><meta charset="utf-8"><title>{escape(picture.title)}</title>',
            "<style>@page{size:A4 landscape;margin:8mm}body{margin:1rem;color:#1f2328;background:#fff;"
            "font-family:system-ui,sans-serif}details{margin-top:1rem}",
            "@media print{details{display:none}}</style></head>",
            f"<body>{drawing}",
            f"<details><summary>The same in words</summary>{_list(_all(picture))}</details></body></html>",
            "",
        ]
    )


def description(picture: Picture) -> str:
    """The drawing in words: every frame with what is in it."""
    return " ".join(_words(part) for part in _all(picture))


def _all(picture: Picture) -> tuple[Part, ...]:
    return tuple(child for _, children in picture.columns for child in children)


def _words(part: Part) -> str:
    if isinstance(part, Box):
        marked = f" ({SIGNS[part.mark][2]})" if part.mark else ""
        return f"{part.title}{marked}" + (f": {', '.join(part.lines)}." if part.lines else ".")
    return f"{part.title} holds: {' '.join(_words(child) for child in part.children)}"


def _list(parts: Sequence[Part]) -> str:
    def item(part: Part) -> str:
        if isinstance(part, Box):
            return f"<li>{escape(_words(part))}</li>"
        return f"<li>{escape(part.title)}{_list(part.children)}</li>"

    return f"<ul>{''.join(item(part) for part in parts)}</ul>"


def _height(part: Part, width: float) -> int:
    if isinstance(part, Box):
        return _HEAD + _ROW * len(_lines(part, width)) + (8 if part.lines else 4)
    inner = _inner(part, width)
    return _HEAD + sum(_rows(part, inner)) + _GAP * len(_rows(part, inner)) + 2


def _lines(box: Box, width: float) -> list[str]:
    """The box's lines, each broken into at most two."""
    letters = max(int((width - 2 * _PAD) / (_TEXT * _LETTER)), 1)
    return [
        row
        for line in box.lines
        for row in textwrap.wrap(line, letters, max_lines=2, placeholder="…", subsequent_indent="  ")
    ]


def _inner(frame: Frame, width: float) -> float:
    return (width - 2 * _PAD - _GAP * (frame.columns - 1)) / frame.columns


def _rows(frame: Frame, inner: float) -> list[int]:
    """Heights of the rows of a frame."""
    children = frame.children
    return [
        max(_height(child, inner) for child in children[start : start + frame.columns])
        for start in range(0, len(children), frame.columns)
    ]


def _part(part: Part, at: _Place, depth: int) -> Iterator[str]:
    if isinstance(part, Box):
        yield from _box(part, at)
        return
    yield _rect(at, _TINTS[min(depth, len(_TINTS) - 1)], SIGNS[part.mark][1] if part.mark else _LINE, 10)
    right = at.x + at.width - _PAD
    if part.mark:
        yield _text(right, at.y + 20, SIGNS[part.mark][0], 16, SIGNS[part.mark][1], anchor="end", weight=700)
        right -= 20
    if part.note:
        yield _text(right, at.y + 20, part.note, _TEXT, _QUIET, anchor="end")
    room = right - at.x - _PAD - _length(part.note, _TEXT)
    yield _text(at.x + _PAD, at.y + 20, _fitted(part.title, room, _TITLE), _TITLE, weight=600)
    inner = _inner(part, at.width)
    top = at.y + _HEAD
    for row, tall in enumerate(_rows(part, inner)):
        for column, child in enumerate(part.children[row * part.columns : (row + 1) * part.columns]):
            yield from _part(child, _Place(at.x + _PAD + column * (inner + _GAP), top, inner, tall), depth + 1)
        top += tall + _GAP


def _box(box: Box, at: _Place) -> Iterator[str]:
    colour = SIGNS[box.mark][1] if box.mark else _LINE
    yield _rect(at, _PAPER, colour, 6, thick=1.6 if box.mark else 1.0, dashed=box.dashed)
    room = at.width - 2 * _PAD
    if box.mark:
        right = at.x + at.width - _PAD
        yield _text(right, at.y + 20, SIGNS[box.mark][0], 16, colour, anchor="end", weight=700)
    title = _fitted(box.title, room - (18 if box.mark else 0), _TITLE)
    yield _text(at.x + _PAD, at.y + 20, title, _TITLE, weight=600)
    for row, line in enumerate(_lines(box, at.width)):
        yield _text(at.x + _PAD, at.y + 38 + _ROW * row, line, _TEXT, _QUIET)


def _legend(x: float, y: float) -> Iterator[str]:
    left = x
    for sign, colour, words in SIGNS.values():
        yield _text(left, y, sign, 15, colour, weight=700)
        yield _text(left + 16, y, words, 12, _QUIET)
        left += 34 + _length(words, 12)


def _rect(at: _Place, fill: str, line: str, corner: int, *, thick: float = 1, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<rect x="{at.x:.1f}" y="{at.y:.1f}" width="{at.width:.1f}" height="{at.height:.1f}" rx="{corner}" '
        f'fill="{fill}" stroke="{line}" stroke-width="{thick}"{dash}/>'
    )


def _text(
    x: float, y: float, text: str, size: int, colour: str = _INK, *, anchor: str = "start", weight: int = 400
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f"text-anchor={quoteattr(anchor)}>{escape(text)}</text>"
    )


def _length(text: str, size: int) -> float:
    return len(text) * size * _LETTER


def _fitted(text: str, room: float, size: int) -> str:
    letters = max(int(room / (size * _LETTER)), 1)
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
