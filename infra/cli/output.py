"""Everything that reaches the screen: tables for people, JSON and YAML for programs, errors with their remedy.

Standard output carries results only; progress and errors go to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

_WIDE = 240
"""Columns where the output is no terminal, so that a pipe gets whole cells."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else _WIDE)


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


def chosen(output: Format, as_json: bool) -> Format:
    """`--json` is short for `-o json`."""
    return Format.JSON if as_json else output


def document(value: Any, form: Format) -> bool:
    """Writes `value` where the format is for programs; says whether it did."""
    if form is Format.JSON:
        sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
        return True
    if form is Format.YAML:
        sys.stdout.write(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
        return True
    return False


Column = tuple[str, Callable[[Mapping[str, Any]], object]]
"""Heading and what to show of a row."""


def rows(items: Sequence[Mapping[str, Any]], columns: Iterable[Column], empty: str) -> None:
    """A table without frames, or the sentence `empty` where there is nothing."""
    if not items:
        out.print(empty, markup=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    chosen_columns = list(columns)
    for heading, _ in chosen_columns:
        table.add_column(heading.upper(), no_wrap=True, overflow="fold")
    for item in items:
        table.add_row(*(_cell(value(item)) for _, value in chosen_columns))
    out.print(table)


def fail(message: str, remedy: str = "") -> None:
    """An error in one sentence, and on the next line what to do."""
    err.print("[bold red]error:[/] ", end="")
    err.print(message, markup=False)
    if remedy:
        err.print(remedy, markup=False)


def hint(text: str) -> None:
    """What to do next, after a success."""
    err.print(text, style="dim", markup=False)


def ago(stamp: str | None, now: datetime | None = None) -> str:
    """`5m` for a UTC time five minutes past; `in 5m` for one to come; `-` for None."""
    if not stamp:
        return "-"
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(stamp)).total_seconds()
    prefix, seconds = ("in ", -seconds) if seconds < 0 else ("", seconds)
    return prefix + duration(seconds)


def duration(seconds: float) -> str:
    """The largest fitting unit for an age, such as `45s`, `12m`, `3h`, `9d`."""
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // divisor)}{unit}"
    return f"{int(seconds // 86400)}d"


def clock(seconds: float) -> str:
    """Elapsed time of running work: `7s`, `2m05s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("[", r"\[")
