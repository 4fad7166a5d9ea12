"""REST of operations, with their live events."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from controlplane.http.caller import runtime
from controlplane.http.endpoint import Api
from controlplane.http.stream import MEDIA_TYPE, event_stream
from controlplane.model import Page
from controlplane.operations import stream
from controlplane.operations.model import Operation, OperationQuery
from controlplane.operations.service import OperationService
from controlplane.work import Work

api = Api("operations")


@api.get("/operations")
def list_operations(work: Work, query: OperationQuery) -> Page[Operation]:
    """Operations on tenants you belong to, newest first."""
    return OperationService(work).list(query)


@api.get("/operations/{operation}")
def get_operation(work: Work, operation: UUID) -> Operation:
    """One operation with its steps."""
    return OperationService(work).get(operation)


@api.get("/operations/{operation}/events", raw=MEDIA_TYPE)
def watch_operation(work: Work, operation: UUID) -> Response:
    """Server-sent events: `operation` with the operation as JSON at every change, `end` when it is over."""
    first = OperationService(work).get(operation)
    return event_stream(stream.events(runtime(), work.principal, work.origin, first))


@api.post("/operations/{operation}/retry", status=202)
def retry_operation(work: Work, operation: UUID) -> Operation:
    """Start a parked, failed or waiting operation afresh."""
    return OperationService(work).retry(operation)
