"""Server-sent events and line-wise streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Response

MEDIA_TYPE = "text/event-stream"
LINES_TYPE = "application/x-ndjson"


@dataclass(frozen=True)
class Event:
    """`name` empty: only a comment that keeps the connection open. `retry` in milliseconds."""

    name: str = ""
    data: str = ""
    id: str = ""
    retry: int | None = None

    def encode(self) -> str:
        lines = [": keep"] if not self.name else [f"event: {self.name}"]
        if self.retry is not None:
            lines.append(f"retry: {self.retry}")
        if self.id:
            lines.append(f"id: {self.id}")
        if self.name:
            lines += [f"data: {line}" for line in self.data.splitlines() or [""]]
        return "\n".join(lines) + "\n\n"


def comment(*, retry: int | None = None) -> Event:
    return Event(retry=retry)


def event_stream(events: Iterable[Event]) -> Response:
    """Not buffered by the gateway."""
    response = Response((event.encode() for event in events), content_type=f"{MEDIA_TYPE}; charset=utf-8")
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-store"
    return response


def line_stream(lines: Iterator[str], filename: str) -> Response:
    """One JSON document a line, offered as a file."""
    response = Response((line + "\n" for line in lines), content_type=LINES_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
