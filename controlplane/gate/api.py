"""The gateway's auth subrequest: GET /internal/authorize.

In: X-Mlp-Gateway-Secret; the caller's own Cookie or Authorization; X-Original-Method and X-Original-URI; and
X-MLflow-Workspace where the call names a workspace's namespace.
Out: 200 with X-Remote-User and X-Remote-Groups (joined by `|`), 401 or 403 with X-Mlp-Reason, 503 when nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request

from controlplane.auth.csrf import same_origin
from controlplane.auth.service import TOKEN_PREFIX, AuthService
from controlplane.errors import Temporary
from controlplane.gate import notebooks
from controlplane.gate.model import Identity, Refusal
from controlplane.gate.ports import TokenReviewer
from controlplane.gate.service import GateService
from controlplane.http import caller
from controlplane.work import Work


def init_app(app: Flask, reviewer: TokenReviewer | None) -> None:
    """`reviewer` None: there is no cluster to ask, so pods are unknown."""
    notebooks.init_app(app)
    app.add_url_rule("/internal/authorize", "gate.authorize", _view(reviewer), methods=["GET"])


def _view(reviewer: TokenReviewer | None) -> Callable[[], Response]:
    def authorize() -> Response:
        if not caller.from_gateway():
            return _answer(Refusal(403, "not-the-gateway"))
        try:
            with caller.runtime().work(origin=caller.origin()) as work:
                decision = _decide(work, reviewer)
                return _answer(notebooks.judged(decision, request.headers.get("X-Original-URI", "")))
        except Temporary:
            response = Response(status=503)
            response.headers["Retry-After"] = "2"
            return response

    return authorize


def _decide(work: Work, reviewer: TokenReviewer | None) -> Identity | Refusal:
    gate = GateService(work, reviewer)
    workspace = request.headers.get("X-MLflow-Workspace") or None
    token = caller.bearer()
    if token is not None:
        if not token.startswith(TOKEN_PREFIX):
            return gate.pod(token)
        principal = AuthService(work).by_token(token)
        return gate.person(principal, workspace) if principal else Refusal(401, "unknown-token")
    if "Authorization" in request.headers:
        return Refusal(401, "unknown-scheme")
    secret = request.cookies.get(caller.SESSION_COOKIE, "")
    principal = AuthService(work).by_session(secret) if secret else None
    if principal is None:
        return Refusal(401, "not-signed-in")
    if not _own_page():
        return Refusal(403, "cross-site")
    return gate.person(principal, workspace)


def _own_page() -> bool:
    """Whether a change by cookie comes from our own pages: a browser says so by one of two headers."""
    method = request.headers.get("X-Original-Method", "").upper()
    if method in caller.SAFE_METHODS:
        return True
    said = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return said and same_origin(request.headers, caller.runtime().settings.public_url)


def _answer(decision: Identity | Refusal) -> Response:
    if isinstance(decision, Identity):
        return Response(status=200, headers=decision.headers())
    return Response(status=decision.status, headers={"X-Mlp-Reason": decision.reason})
