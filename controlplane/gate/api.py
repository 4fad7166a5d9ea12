"""The gateway's auth subrequest: GET /internal/authorize.

In: X-Mlp-Gateway-Secret; the caller's own Cookie or Authorization; X-Original-Method and X-Original-URI; and
X-MLflow-Workspace where the call names a workspace's namespace.
Out: 200 with X-Remote-User and X-Remote-Groups (joined by `|`), 401 or 403 with X-Mlp-Reason, 503 when nobody can tell.
Below /kubernetes/: 200 with the headers of `kubernetes.Impersonation`. Below /serving/, 200 comes with X-Upstream and
X-Served-By too, and 503 with X-Mlp-Reason where the endpoint is waking up. Below /kfp/, 200 comes with X-Upstream.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request

from components.kubeflow_pipelines.names import uploads
from controlplane.auth.csrf import same_origin
from controlplane.auth.model import Principal
from controlplane.auth.service import TOKEN_PREFIX, AuthService
from controlplane.errors import Temporary
from controlplane.gate import kubeflow_pipelines, kubernetes, notebooks, serving
from controlplane.gate.kubeflow_pipelines import InstanceCall
from controlplane.gate.kubernetes import Impersonation
from controlplane.gate.model import Identity, Refusal
from controlplane.gate.ports import AccessReviewer, TokenReviewer
from controlplane.gate.service import GateService
from controlplane.gate.serving import EndpointCall, EndpointGate
from controlplane.gate.tokens import PeopleTokens
from controlplane.http import caller
from controlplane.work import Work


def init_app(
    app: Flask,
    reviewer: TokenReviewer | None,
    endpoints: EndpointGate | None = None,
    people: PeopleTokens | None = None,
    access: AccessReviewer | None = None,
) -> None:
    """`reviewer` None: there is no cluster to ask, so pods are unknown; `endpoints` None: nobody may call one;
    `people` None: nobody reaches the Kubernetes API; `access` None: nobody reaches Kubeflow Pipelines."""
    notebooks.init_app(app)
    app.add_url_rule(
        "/internal/authorize", "gate.authorize", _view(reviewer, endpoints, people, access), methods=["GET"]
    )


def _view(
    reviewer: TokenReviewer | None, endpoints: EndpointGate | None, people: PeopleTokens | None,
    access: AccessReviewer | None,
) -> Callable[[], Response]:  # fmt: skip
    def authorize() -> Response:
        if not caller.from_gateway():
            return _answer(Refusal(403, "not-the-gateway"))
        uri = request.headers.get("X-Original-URI", "")
        try:
            with caller.runtime().work(origin=caller.origin()) as work:
                gate = GateService(work, reviewer)
                decision = kubeflow_pipelines.within(_decide(work, gate, uri), uri, gate)
            if isinstance(decision, Impersonation):
                return Response(status=200, headers=decision.headers(people.token())) if people else _later()
            known = serving.judged(notebooks.judged(decision, uri), uri, endpoints)
            return _answer(kubeflow_pipelines.judged(known, _method(), uri, access))
        except Temporary:
            return _later()

    return authorize


def _later() -> Response:
    return Response(status=503, headers={"Retry-After": "2"})


def _method() -> str:
    return request.headers.get("X-Original-Method", "").upper()


def _decide(work: Work, gate: GateService, uri: str) -> Identity | Impersonation | Refusal:
    to_kubernetes = kubernetes.concerns(uri)
    token = caller.bearer()
    if token is not None and not token.startswith(TOKEN_PREFIX):
        return Refusal(403, "pod") if to_kubernetes else gate.pod(token)
    principal = _person(work, token, changes=to_kubernetes or uploads(uri))
    if isinstance(principal, Refusal):
        return principal
    if to_kubernetes:
        return gate.person_at_kubernetes(principal, uri)
    return gate.person(principal, request.headers.get("X-MLflow-Workspace") or None)


def _person(work: Work, token: str | None, *, changes: bool) -> Principal | Refusal:
    """Who calls by platform token or session. `changes`: so may any call, as a shell by GET."""
    if token is not None:
        return AuthService(work).by_token(token) or Refusal(401, "unknown-token")
    if "Authorization" in request.headers:
        return Refusal(401, "unknown-scheme")
    secret = request.cookies.get(caller.SESSION_COOKIE, "")
    principal = AuthService(work).by_session(secret) if secret else None
    if principal is None:
        return Refusal(401, "not-signed-in")
    return principal if _own_page(changes=changes) else Refusal(403, "cross-site")


def _own_page(*, changes: bool) -> bool:
    """Whether a change by cookie comes from our own pages: a browser says so by one of two headers."""
    if _method() in caller.SAFE_METHODS and not changes:
        return True
    said = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return said and same_origin(request.headers, caller.runtime().settings.public_url)


def _answer(decision: Identity | EndpointCall | InstanceCall | Refusal) -> Response:
    if isinstance(decision, Refusal):
        return Response(status=decision.status, headers={"X-Mlp-Reason": decision.reason})
    return Response(status=200, headers=decision.headers())
