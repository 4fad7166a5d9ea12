"""RFC 9457: every error of the API leaves as application/problem+json."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, current_app, g, json, request
from pydantic import ConfigDict
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from controlplane.errors import PublicError, Unauthenticated
from controlplane.model import View

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


class ProblemFinding(View):
    field: str
    """Where in the request, such as `body.quota.cpu`, `query.limit` or `header.If-Match`."""
    message: str


class Problem(View):
    """What went wrong, why, and what to do. `code` is stable; `errors` lists every finding of a 422."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    request_id: str
    errors: tuple[ProblemFinding, ...] = ()


def problem(status: int, title: str, detail: str, *, code: str, errors: list[dict[str, str]] | None = None) -> Response:
    document: dict[str, Any] = {
        "type": f"urn:mlp:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.path,
        "request_id": g.get("request_id", ""),
        "errors": errors or [],
    }
    return Response(json.dumps(document), status, content_type=MEDIA_TYPE)


def public(error: PublicError) -> Response:
    findings = [{"field": f.pointer, "message": f.message} for f in error.findings]
    response = problem(error.status, error.title, error.detail, code=error.code, errors=findings)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="mlp"'
    return response


def is_api() -> bool:
    own = ("/api", "/internal", "/metrics", "/healthz", "/readyz")
    return any(request.path == path or request.path.startswith(f"{path}/") for path in own)


def other_methods() -> list[str]:
    """Methods that this path has beside those of the console's page for unknown addresses."""
    adapter = current_app.create_url_adapter(request)
    found: list[str] = []
    if adapter is None:
        return found
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        try:
            endpoint, _ = adapter.match(method=method)
        except HTTPException:
            continue
        if not str(endpoint).startswith("console."):
            found.append(method)
    return found


def unknown_address() -> Response:
    """404, or 405 with Allow where the path exists for other methods."""
    methods = other_methods()
    if not methods:
        return problem(404, "Not found", "There is no such address.", code="not-found")
    if "GET" in methods:
        methods.append("HEAD")
    response = problem(
        405, "Method not allowed", f"{request.method} is not possible here; use {', '.join(methods)}.",
        code="method-not-allowed",
    )  # fmt: skip
    response.headers["Allow"] = ", ".join(methods)
    return response


def init_app(app: Flask) -> None:
    """Error handlers for everything outside of the console, which shows pages."""

    @app.before_request
    def _own_answer_for_api() -> Response | None:
        if is_api() and (request.endpoint or "").startswith("console."):
            return unknown_address()
        return None

    @app.errorhandler(PublicError)
    def _public(error: PublicError) -> Response:
        return public(error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response | HTTPException:
        if isinstance(error, NotFound | MethodNotAllowed):
            return unknown_address()
        if error.code is None or error.code < 400:
            return error
        return problem(
            error.code, error.name, error.description or error.name, code=error.name.lower().replace(" ", "-")
        )

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        log.exception("unexpected error", exc_info=error)
        return problem(
            500, "Internal error", "Something went wrong on our side. Give the request id to the people who run this.",
            code="internal",
        )  # fmt: skip
