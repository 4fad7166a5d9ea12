"""Logs of containers, as the kubelet keeps them: the last lines, and lines as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2

from controlplane.kube.client import Kube
from controlplane.kube.errors import Unreachable, from_status
from controlplane.kube.resources import POD
from controlplane.kube.transport import decode

_BYTES = 1 << 20
"""Of one answer; a container may write a line without an end."""


@dataclass(frozen=True)
class Line:
    """`stamp` is the container runtime's time as text, with nanoseconds, which order lines; empty where it has none."""

    stamp: str
    text: str

    @property
    def at(self) -> datetime | None:
        try:
            moment = datetime.fromisoformat(self.stamp)
        except ValueError:
            return None
        return moment if moment.tzinfo else None


def parse(line: str) -> Line:
    """A line with its time stamp in front."""
    stamp, separator, rest = line.partition(" ")
    found = Line(stamp, rest)
    return found if separator and found.at else Line("", line)


def last(kube: Kube, namespace: str, pod: str, container: str, lines: int) -> list[Line]:
    """The last lines, a megabyte at most. NotFound: no such pod; Rejected: the container has not begun."""
    params = {"container": container, "timestamps": "true", "tailLines": str(lines), "limitBytes": str(_BYTES)}
    text = kube.transport.text(_path(namespace, pod), params, counter=kube.counter)
    return [parse(line) for line in text.splitlines()][-lines:]


def follow(
    kube: Kube, namespace: str, pod: str, container: str, *, tail: int, after: str = "", silence: float
) -> Iterator[Line]:
    """Lines as they come: the last `tail`, or with `after` (a stamp) those behind it. Ends with the container.

    `silence` is the longest wait for a line, in seconds; then it ends as well. Raises KubeError.
    """
    params = {"container": container, "timestamps": "true", "follow": "true"}
    # The API knows whole seconds only: what was shown of that second already is left out here.
    params |= {"sinceTime": _second(after)} if after else {"tailLines": str(tail)}
    path = _path(namespace, pod)
    try:
        with kube.transport.stream(path, params, {"Accept": "*/*"}, silence) as response:
            if not response.is_success:
                raise from_status(response.status_code, decode(response.read()), f"FOLLOW {path}")
            for raw in response.iter_lines():
                line = parse(raw)
                if not after or not line.stamp or line.stamp > after:
                    yield line
    except httpx2.ReadTimeout:
        return
    except (httpx2.TransportError, httpx2.StreamError) as error:
        raise Unreachable(f"FOLLOW {path}: {type(error).__name__}: {error}") from error


def _second(stamp: str) -> str:
    """The whole second of a stamp, in UTC."""
    return datetime.fromisoformat(stamp).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _path(namespace: str, pod: str) -> str:
    return f"{POD.path(namespace, pod)}/log"
