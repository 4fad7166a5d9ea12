"""What long work says while it runs: one stream of events, shown as a tree, as lines, or as JSON by the CLI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

EventKind = Literal["started", "update", "done", "failed", "skipped"]


@dataclass(frozen=True)
class Event:
    """Something happened in a step. `detail` is what it works on or waits for; seconds since the step's start."""

    step: str
    kind: EventKind
    title: str = ""
    detail: str = ""
    seconds: float = 0.0
    expected: float | None = None


class Report(Protocol):
    """Receives events, possibly from several threads; never raises and never blocks for long."""

    def __call__(self, event: Event, /) -> None: ...
