"""Who calls, found from cookie or bearer token, and where the call came from."""

from __future__ import annotations

import hmac
import re
import secrets

from flask import Flask, Response, current_app, g, request

from controlplane import logs
from controlplane.auth.csrf import HEADER, csrf_matches, same_origin
from controlplane.auth.model import NewSession, Origin, Principal
from controlplane.auth.service import AuthService
from controlplane.errors import Refused, Unauthenticated
from controlplane.outside import Outside
from controlplane.runtime import Runtime
from controlplane.work import Work

SESSION_COOKIE = "__Host-mlp_session"
GATEWAY_HEADER = "X-Mlp-Gateway-Secret"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def runtime() -> Runtime:
    """What `create_app` was made with."""
    found: Runtime = current_app.extensions["mlp"]
    return found


def outside() -> Outside:
    """What `create_app` was given of the outside."""
    found: Outside = current_app.extensions["mlp-outside"]
    return found


def from_gateway() -> bool:
    """Whether the request carries the gateway's secret. Compared in constant time."""
    given = request.headers.get(GATEWAY_HEADER, "")
    secret = runtime().settings.gateway_secret
    return secret is not None and hmac.compare_digest(given.encode(), secret.get_secret_value().encode())


def origin() -> Origin:
    """The address is the gateway's word where the gateway speaks, else the connection's."""
    address = request.remote_addr or ""
    if from_gateway():
        address = request.headers.get("X-Real-IP", address)[:64]
    return Origin(request_id=g.get("request_id", ""), address=address)


def bearer() -> str | None:
    """The bearer token of the call; None when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def find(work: Work) -> Principal | None:
    """The caller, set on the work. A token that is sent and not valid is an error, not an anonymous call.

    Changes by cookie need the session's CSRF token in X-CSRF-Token and must come from our own pages.
    """
    service = AuthService(work)
    token = bearer()
    if token is not None:
        work.caller = service.by_token(token)
        if work.caller is None:
            raise Unauthenticated
        return work.caller
    secret = request.cookies.get(SESSION_COOKIE, "")
    if not secret:
        return None
    work.caller = service.by_session(secret)
    if work.caller is not None and request.method not in SAFE_METHODS:
        require_own_page(secret)
    return work.caller


def require_own_page(session_secret: str) -> None:
    """Refused unless the change provably comes from our own pages."""
    settings = runtime().settings
    if not same_origin(request.headers, settings.public_url) or not csrf_matches(
        session_secret, request.headers.get(HEADER)
    ):
        raise Refused(
            f"A change by cookie needs the session's token in {HEADER} and must come from {settings.public_url}.",
            code="csrf",
        )


def set_session(response: Response, session: NewSession) -> None:
    response.set_cookie(
        SESSION_COOKIE, session.secret, secure=True, httponly=True, samesite="Lax", path="/", expires=session.expires_at
    )


def clear_session(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="Lax", path="/")


def init_app(app: Flask) -> None:
    """Gives every request an id: the gateway's where it sent a well-formed one, else a fresh one."""

    @app.before_request
    def _name_request() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) and from_gateway() else secrets.token_hex(12)
        g.log_token = logs.begin(request_id=g.request_id)

    @app.teardown_request
    def _forget_request(error: BaseException | None) -> None:
        del error
        if "log_token" in g:
            logs.end(g.pop("log_token"))

    @app.after_request
    def _finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.get("request_id", "")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        return response
