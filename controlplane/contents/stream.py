"""A log as it is written, as a sequence of events."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from flask import request

from controlplane.contents.cluster import Cluster, NoLog
from controlplane.contents.model import LogLine
from controlplane.contents.service import LogPlace
from controlplane.http.stream import Event, comment
from controlplane.kube.logs import Line, parse
from controlplane.runtime import Runtime

_LONGEST = 55.0
"""Seconds until a stream ends and the client comes again by itself, with what it saw last; proxies often cut at 60."""
_SILENCE = 15.0
"""Seconds without a line until the stream is looked at again; a viewer who left is noticed no later."""
_STAMP = re.compile(r"[0-9T:.+Z-]{20,40}")


def last_seen() -> str:
    """The stamp of the last line that the client has, from Last-Event-ID; empty where it has none."""
    given = request.headers.get("Last-Event-ID", "")
    return given if _STAMP.fullmatch(given) and parse(f"{given} ").at else ""


def lines(runtime: Runtime, cluster: Cluster, place: LogPlace | None, tail: int, after: str) -> Iterator[Event]:
    """Every line with its stamp as the event's id, so that a client which comes again misses none and sees none twice.

    Rights were checked at the start; a stream lives for less than a minute. Where too many are open the client is
    asked to come again in 5 s.
    """
    if place is None:
        yield Event("end", "It has no pods right now.")
        return
    with runtime.stream_slot() as free:
        if not free:
            yield comment(retry=5000)
            return
        yield comment(retry=500)
        yield from _follow(cluster, place, tail, after)


def _follow(cluster: Cluster, place: LogPlace, tail: int, after: str) -> Iterator[Event]:
    start = time.monotonic()
    while (left := _LONGEST - (time.monotonic() - start)) > 0:
        began = time.monotonic()
        silence = min(_SILENCE, left)
        try:
            for line in cluster.follow(
                place.namespace, place.pod, place.container, tail=tail, after=after, silence=silence
            ):
                after = line.stamp or after
                yield _event(line)
                if time.monotonic() - start > _LONGEST:
                    return
        except NoLog as error:
            yield Event("end", str(error))
            return
        if time.monotonic() - began < silence - 0.5:
            yield Event("end", "The container has ended.")
            return
        yield comment()


def _event(line: Line) -> Event:
    return Event("line", LogLine(at=line.at, text=line.text).model_dump_json(), line.stamp)
