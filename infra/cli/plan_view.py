"""A plan as lines for people, at most 100 columns wide. Pure: text in, text out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

WIDTH = 100
_SIGNS = {"create": "+", "change": "~", "replace": "±", "destroy": "-"}
_VERBS = {"create": "to create", "change": "to change", "replace": "to replace", "destroy": "to destroy"}
_NAMES_SHOWN = 6
_LONGEST_VALUE = 36
_CONTEXT = 20
"""Characters that are shown before the first difference."""

Document = Mapping[str, Any]


def lines(plan: Document, *, every: bool) -> Iterator[str]:
    """The whole plan. `every`: each created resource on its own line, and values at full length."""
    yield from _notes(plan)
    yield from _steps(plan["steps"])
    for step in plan["steps"]:
        if step["resources"]:
            yield ""
            yield f"{step['name']}: {summary(step['counts'])}"
            yield from _resources(step["resources"], every=every)
    if plan["changes"]:
        yield ""
        yield "Changes of the profile:"
        for change in plan["changes"]:
            yield from _difference(2, change, "  (cannot change)" if change["immutable"] else "", every=every)
    yield from _findings(plan["findings"])
    yield ""
    yield from _cost(plan, every=every) if plan["cost"] else _requests(plan["requests"])
    yield ""
    yield f"Plan: {summary(plan['total'])}."


def summary(counts: Mapping[str, int]) -> str:
    """Such as `3 to create, 1 to replace, 40 as they are`."""
    parts = [f"{counts[op]} {verb}" for op, verb in _VERBS.items() if counts[op]]
    same = f"{counts['same']} as they are" if counts["same"] else ""
    return ", ".join([*parts, *([same] if same else [])]) or "nothing to do"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> Iterator[str]:
    """Columns as wide as their widest cell, two spaces apart. `right`: columns that are aligned to the right."""
    listed = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in listed) for column in range(len(headings))]
    for row in listed:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _notes(plan: Document) -> Iterator[str]:
    yield from plan["notes"]
    if plan["notes"]:
        yield ""


def _steps(steps: Sequence[Document]) -> Iterator[str]:
    yield from table(
        ("STEP", "WHAT", "USUALLY", "NOW", "RESOURCES"),
        ((s["name"], s["title"], _clock(s["expected"]), s["now"], _short(s["counts"])) for s in steps),
        frozenset({2}),
    )


def _short(counts: Mapping[str, int] | None) -> str:
    if counts is None:
        return ""
    return " ".join(f"{sign}{counts[op]}" for op, sign in _SIGNS.items() if counts[op]) or f"={counts['same']}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def _resources(resources: Sequence[Document], *, every: bool) -> Iterator[str]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for each in resources:
        if not each["properties"]:
            grouped.setdefault((each["op"], short_kind(each["kind"])), []).append(short_name(each))
    for (op, kind), names in sorted(grouped.items(), key=lambda item: (list(_SIGNS).index(item[0][0]), item[0][1])):
        if every:
            yield from (f"  {_SIGNS[op]} {kind} {name}" for name in sorted(names))
        else:
            yield _cut(f"  {_SIGNS[op]} {kind}{_times(names)}: {_some(sorted(names))}", WIDTH)
    for each in resources:
        if each["properties"]:
            yield f"  {_SIGNS[each['op']]} {short_kind(each['kind'])} {short_name(each)}"
            for change in each["properties"]:
                yield from _difference(6, change, "  (replaces it)" if change["replaces"] else "", every=every)


def _difference(indent: int, change: Document, note: str, *, every: bool) -> Iterator[str]:
    """Path and both values on one line, or on two where that is too wide."""
    before, after = _values(change["before"], change["after"], every=every)
    margin = " " * indent
    line = f"{margin}{change['path']}: {before} → {after}{note}"
    if every or len(line) <= WIDTH:
        yield line
    else:
        yield f"{margin}{change['path']}:{note}"
        yield f"{margin}    {before} → {after}"


def short_kind(token: str) -> str:
    """`Vpc` of `aws:ec2/vpc:Vpc`."""
    return token.rpartition(":")[2]


def short_name(resource: Document) -> str:
    """Without the kind that names of Kubernetes objects begin with."""
    return str(resource["name"]).removeprefix(f"{short_kind(resource['kind']).lower()}/")


def _times(names: Sequence[str]) -> str:
    return f" ({len(names)})" if len(names) > 1 else ""


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _values(before: object, after: object, *, every: bool) -> tuple[str, str]:
    """Both values; of long ones that begin alike, from where they differ."""
    texts = [_text(before), _text(after)]
    if not every and max(map(len, texts)) > _LONGEST_VALUE:
        alike = next((n for n, (one, other) in enumerate(zip(*texts, strict=False)) if one != other), 0)
        start = alike - _CONTEXT
        texts = [f"…{text[start:]}" if start > 0 else text for text in texts]
        texts = [_cut(text, _LONGEST_VALUE) for text in texts]
    return texts[0], texts[1]


def _text(value: object) -> str:
    text = "(none)" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("\n", "⏎")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _findings(findings: Sequence[Document]) -> Iterator[str]:
    open_ones = [finding for finding in findings if not finding["ok"]]
    if not findings:
        return
    yield ""
    yield f"Preflight: {len(findings) - len(open_ones)} of {len(findings)} checks passed."
    for finding in open_ones:
        yield f"  {'✗' if finding['severity'] == 'error' else '!'} {finding['message']}"
        if finding["remedy"]:
            yield f"      {finding['remedy']}"


def _cost(plan: Document, *, every: bool) -> Iterator[str]:
    cost = plan["cost"]
    if every:
        yield from table(
            ("GROUP", "ITEM", "FOR", "SKU", "QUANTITY", "PRICE", "HOUR", "MONTH"),
            (
                (
                    line["group"],
                    line["name"],
                    line["component"],
                    line["sku"],
                    f"{line['quantity']:g} {line['unit']}",
                    "unknown" if line["price"] is None else f"{line['price']:.6g}",
                    "?" if line["hourly"] is None else f"{line['hourly']:.3f}",
                    "?" if line["monthly"] is None else f"{line['monthly']:.2f}",
                )
                for line in cost["lines"]
            ),
            frozenset({5, 6, 7}),
        )
        yield ""
    parts = [(part["name"], *_money(part)) for part in cost["groups"]]
    total = ("total" + (", at least" if cost["at_least"] else ""), *_money(cost))
    yield from table(
        ("COST", f"{cost['currency']}/HOUR", f"{cost['currency']}/MONTH"), [*parts, total], frozenset({1, 2})
    )
    by_component = sorted(cost["components"], key=lambda part: -part["monthly"])
    yield from _wrapped("By component: " + ", ".join(f"{p['name']} {p['monthly']:.2f}" for p in by_component) + ".")
    if cost["unknown"]:
        yield from _wrapped(f"Unknown price: {', '.join(cost['unknown'])}. Ask the cloud: platform prices refresh")
    origin = f"{cost['source']}, {cost['date']}" if cost["date"] else "nobody knows prices here"
    yield f"Prices of {cost['region']}: {origin}."
    if cost["assumptions"]:
        yield from _wrapped("Assumed: " + "; ".join(each.rstrip(".") for each in cost["assumptions"]) + ".")
    if plan["budget"] is not None:
        yield f"Budget: {plan['budget']:.2f} {cost['currency']} a month."


def _money(part: Document) -> tuple[str, str]:
    if part["at_least"] and not part["monthly"]:
        return "?", "?"
    sign = "≥ " if part["at_least"] else ""
    return f"{sign}{part['hourly']:.3f}", f"{sign}{part['monthly']:.2f}"


def _requests(requests: Sequence[Document]) -> Iterator[str]:
    gib = 2**30

    def row(name: str, of: Sequence[Document]) -> tuple[str, ...]:
        memory, volumes = (sum(each[key] for each in of) / gib for key in ("memory", "volumes"))
        pods, cpu = sum(each["pods"] for each in of), sum(each["cpu"] for each in of)
        return name, str(pods), f"{cpu:.2f}", f"{memory:.2f}", f"{volumes:.0f}" if volumes else "-"

    listed = [row(each["component"], [each]) for each in requests]
    yield from table(
        ("COMPONENT", "PODS", "CPU", "MEMORY GiB", "VOLUMES GiB"),
        [*listed, row("total", requests)],
        frozenset({1, 2, 3, 4}),
    )
    yield "That is what the platform's own pods ask of the nodes. Machines of your own have no price here."


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
