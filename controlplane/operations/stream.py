"""An operation as it unfolds, as a sequence of events."""

from __future__ import annotations

import time
from collections.abc import Iterator

from controlplane.auth.model import Origin, Principal
from controlplane.errors import PublicError, Unavailable
from controlplane.http.stream import Event, comment
from controlplane.operations.model import Operation
from controlplane.operations.service import OperationService
from controlplane.runtime import Runtime

_LONGEST = 55.0
"""Seconds until a stream ends and the client comes again by itself; proxies often cut at 60."""
_FAST, _SLOW = 0.1, 1.0
_COMMENT_EVERY = 10.0


def events(runtime: Runtime, principal: Principal, origin: Origin, first: Operation) -> Iterator[Event]:
    """The operation now and at every change until it ends. Rights are checked again at every look.

    Where too many streams are open the present state is given and the client is asked to come again in 2 s.
    """
    yield _event(first)
    if not first.active:
        yield Event("end", first.state.value)
        return
    with runtime.stream_slot() as free:
        if not free:
            yield comment(retry=2000)
            return
        yield from _follow(runtime, principal, origin, first)


def _follow(runtime: Runtime, principal: Principal, origin: Origin, shown: Operation) -> Iterator[Event]:
    start = spoke = time.monotonic()
    while time.monotonic() - start < _LONGEST:
        time.sleep(_FAST if time.monotonic() - start < 5 else _SLOW)
        try:
            with runtime.work(principal, origin) as work:
                now = OperationService(work).get(shown.id)
        except Unavailable:
            yield comment(retry=5000)
            return
        except PublicError:
            yield Event("end", "gone")
            return
        if now.version != shown.version:
            shown, spoke = now, time.monotonic()
            yield _event(shown)
            if not shown.active:
                yield Event("end", shown.state.value)
                return
        elif time.monotonic() - spoke > _COMMENT_EVERY:
            spoke = time.monotonic()
            yield comment()
    yield comment(retry=500)


def _event(operation: Operation) -> Event:
    return Event("operation", operation.model_dump_json(), str(operation.version))
