"""REST of requests."""

from __future__ import annotations

from uuid import UUID

from controlplane.http.endpoint import Api
from controlplane.model import Page, Slug
from controlplane.requests.model import Answer, Preview, Request, RequestCreate, RequestQuery, Want
from controlplane.requests.service import RequestService
from controlplane.work import Work

api = Api("requests")


@api.post("/tenants/{tenant}/requests", status=201)
def create_request(work: Work, tenant: Slug, body: RequestCreate) -> Request:
    """Ask for a workspace, quota, a member or an exception. Granted at once where the tenant's rules allow it."""
    return RequestService(work).create(tenant, body)


@api.post("/tenants/{tenant}/requests/preview", idempotent=False)
def preview_request(work: Work, tenant: Slug, body: Want) -> Preview:
    """What would happen to a request. Makes nothing."""
    return RequestService(work).preview(tenant, body)


@api.get("/requests")
def list_requests(work: Work, query: RequestQuery) -> Page[Request]:
    """Your own requests and those you administer, newest first."""
    return RequestService(work).list(query)


@api.get("/requests/{request}")
def get_request(work: Work, request: UUID) -> Request:
    """One request with its trace."""
    return RequestService(work).get(request)


@api.post("/requests/{request}/approve")
def approve_request(work: Work, request: UUID, body: Answer) -> Request:
    """Approve and carry out."""
    return RequestService(work).approve(request, body)


@api.post("/requests/{request}/reject")
def reject_request(work: Work, request: UUID, body: Answer) -> Request:
    """Reject, with a reason for the one who asked."""
    return RequestService(work).reject(request, body)


@api.post("/requests/{request}/withdraw")
def withdraw_request(work: Work, request: UUID) -> Request:
    """Take back what you asked for."""
    return RequestService(work).withdraw(request)
