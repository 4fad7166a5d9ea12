"""Operations: the list, one operation as it unfolds, and trying again.

The page of a running operation gets its panel by server-sent events as soon as something changes, and asks for it
every few seconds besides, so that a proxy that holds events back only makes it slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from flask import Response, render_template, request, stream_with_context, url_for

from components.names import Role
from controlplane.console import bp, signs, web
from controlplane.console.listing import Listing
from controlplane.errors import PublicError
from controlplane.http import caller
from controlplane.http.stream import MEDIA_TYPE, Event
from controlplane.operations import stream
from controlplane.operations.model import Operation, OperationKind, OperationQuery, OperationState
from controlplane.operations.service import OperationService
from controlplane.tenants.service import TenantService
from controlplane.work import Work

_RETRYABLE = frozenset({OperationState.WAITING, OperationState.FAILED, OperationState.PARKED})


@dataclass(frozen=True)
class Shown:
    """One operation with its parts; `elapsed` in seconds, None while the work has not begun."""

    operation: Operation
    parts: tuple[Operation, ...]
    elapsed: float | None
    may_retry: bool


@bp.get("/operations")
def operations() -> Response:
    listing = Listing.read(request.path, request.args, ("state", "kind", "tenant", "workspace"))
    with web.work() as work:
        page = OperationService(work).list(web.query(OperationQuery, listing))
    return web.show(
        "operations.html",
        page=page,
        listing=listing,
        states=signs.options(signs.OPERATION),
        kinds=[(k.value, signs.kind(k)) for k in OperationKind],
    )


@bp.get("/operations/<uuid:operation>")
def operation(operation: UUID) -> Response:
    return web.show("operation.html", shown=_load(operation))


@bp.get("/operations/<uuid:operation>/panel")
def operation_panel(operation: UUID) -> Response:
    return web.show("operation_panel.html", shown=_load(operation))


@bp.get("/operations/<uuid:operation>/stream")
def operation_stream(operation: UUID) -> Response:
    events = stream_with_context(_events(_load(operation)))
    return Response(events, content_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


@bp.post("/operations/<uuid:operation>/retry")
def retry_operation(operation: UUID) -> Response:
    with web.work() as work:
        OperationService(work).retry(operation)
    return web.go(url_for("console.operation", operation=operation))


def _load(operation_id: UUID) -> Shown:
    with web.work() as work:
        service = OperationService(work)
        found = service.get(operation_id)
        parts = service.list(OperationQuery(parent=str(operation_id), limit=100)).items
        may_retry = found.state in _RETRYABLE and _administers(work, found)
    elapsed = None
    if found.started_at is not None:
        elapsed = ((found.ended_at or web.now()) - found.started_at).total_seconds()
    return Shown(found, parts, elapsed, may_retry)


def _administers(work: Work, shown: Operation) -> bool:
    """Whether the person may start it afresh; the service decides again."""
    if web.who().platform_admin or shown.tenant is None:
        return web.who().platform_admin
    return TenantService(work).get(shown.tenant).role is Role.ADMIN


def _events(first: Shown) -> Iterator[str]:
    """The panel at every change, as unnamed events, which the page swaps in; what else the stream says as it is.

    Ends when there is nothing to wait for, and when the session does.
    """
    for event in stream.events(caller.runtime(), web.who(), caller.origin(), first.operation):
        if event.name != "operation":
            yield event.encode()
            continue
        try:
            web.load_session(again=True)
            shown = _load(first.operation.id)
        except PublicError:
            yield Event("end", "gone").encode()
            return
        panel = render_template("console/operation_panel.html", signs=signs, shown=shown)
        yield "".join(f"data: {line}\n" for line in panel.splitlines()) + "\n"
