"""Shows a stream of events: a live tree on a terminal, plain lines elsewhere, one JSON document a line on request.

Everything also goes to a log file, whose name is told at the end.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from rich.console import Group
from rich.live import Live
from rich.text import Text

from infra.cli.output import clock, err
from infra.lifecycle.progress import Event, Report

_LINE_EVERY = 15.0
"""Seconds between plain lines of one step that say the same."""


@contextmanager
def progress(as_json: bool, log: Path) -> Iterator[Report]:
    """A report for the time of the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as handle:
        if as_json:
            yield _both(_Json(), _Log(handle))
        elif err.is_terminal:
            with _Tree() as tree:
                yield _both(tree, _Log(handle))
        else:
            yield _both(_Lines(), _Log(handle))


def _both(first: Report, second: Report) -> Report:
    def report(event: Event, /) -> None:
        first(event)
        second(event)

    return report


class _Log:
    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle

    def __call__(self, event: Event, /) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._handle.write(f"{stamp} {event.step} {event.kind} {event.seconds:.1f}s {event.detail}\n".replace("\r", ""))
        self._handle.flush()


class _Json:
    def __call__(self, event: Event, /) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event.kind,
            "step": event.step,
            "detail": event.detail,
            "seconds": round(event.seconds, 1),
            "expected": event.expected,
        }
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()


class _Lines:
    def __init__(self) -> None:
        self._last: dict[str, tuple[str, float]] = {}

    def __call__(self, event: Event, /) -> None:
        if event.kind == "started":
            usual = f" (usually {clock(event.expected)})" if event.expected and event.expected >= 2 else ""
            err.print(f"{event.title} …{usual}", markup=False)
        elif event.kind in ("done", "skipped"):
            err.print(f"{event.title}: {event.kind} in {clock(event.seconds)}", markup=False)
        elif event.kind == "update":
            said, at = self._last.get(event.step, ("", 0.0))
            if (event.detail != said and event.seconds - at >= 1) or event.seconds - at >= _LINE_EVERY:
                self._last[event.step] = (event.detail, event.seconds)
                err.print(f"  {clock(event.seconds):>6}  {event.detail}", markup=False)


class _Tree:
    """Steps with state, elapsed and expected time, and the last lines of what the current one works on."""

    _SIGNS = {"started": ("•", "cyan"), "update": ("•", "cyan"), "done": ("✓", "green"), "failed": ("✗", "red")}

    def __init__(self) -> None:
        self._events: dict[str, tuple[Event, float]] = {}
        self._lock = threading.Lock()
        self._live = Live(get_renderable=self._render, console=err, refresh_per_second=8, transient=False)

    def __enter__(self) -> _Tree:
        self._live.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.__exit__(None, None, None)

    def __call__(self, event: Event, /) -> None:
        with self._lock:
            self._events[event.step] = (event, time.monotonic())

    def _render(self) -> Group:
        with self._lock:
            events = list(self._events.values())
        lines = []
        for event, at in events:
            sign, colour = self._SIGNS.get(event.kind, ("-", "dim"))
            running = event.kind in ("started", "update")
            seconds = event.seconds + (time.monotonic() - at if running else 0)
            line = Text.assemble((sign, colour), f" {event.title}  ", (clock(seconds), "dim"))
            if running and event.expected and event.expected >= 2:
                line.append(f" of about {clock(event.expected)}", "dim")
            lines.append(line)
            if event.detail and event.kind != "done":
                lines.append(Text(f"    {event.detail.splitlines()[0]}"[: err.width - 1], "dim"))
        return Group(*lines)
