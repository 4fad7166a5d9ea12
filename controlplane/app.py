"""The web application: REST below /api/v1, the gateway's question below /internal, the console at the root."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask, Response, json, request

from controlplane import settings as settings_module
from controlplane.audit.api import api as audit_api
from controlplane.auth.api import api as auth_api
from controlplane.console import init_app as init_console
from controlplane.contents.api import api as contents_api
from controlplane.gate import api as gate
from controlplane.gate.ports import AccessReviewer, TokenReviewer
from controlplane.gate.serving import EndpointGate
from controlplane.gate.tokens import PeopleTokens
from controlplane.http import caller, endpoint, health, openapi, problem
from controlplane.lineage.api import api as lineage_api
from controlplane.members.api import api as members_api
from controlplane.models.api import api as models_api
from controlplane.operations.api import api as operations_api
from controlplane.outside import Outside
from controlplane.promotions.api import api as promotions_api
from controlplane.requests.api import api as requests_api
from controlplane.runtime import Runtime
from controlplane.settings import Settings
from controlplane.tenants.api import api as tenants_api
from controlplane.workspaces.api import api as workspaces_api

PREFIX = "/api/v1"
APIS = (
    auth_api, tenants_api, workspaces_api, contents_api, models_api, lineage_api, promotions_api, members_api,
    requests_api, operations_api, audit_api,
)  # fmt: skip
log = logging.getLogger(__name__)


def create_app(
    settings: Settings, *, runtime: Runtime | None = None, reviewer: TokenReviewer | None = None,
    endpoints: EndpointGate | None = None, people: PeopleTokens | None = None, outside: Outside | None = None,
    access: AccessReviewer | None = None,
) -> Flask:  # fmt: skip
    """Opens no connection. `reviewer` asks Kubernetes about pods' tokens; None: no pod is known. `endpoints` judges
    calls of model endpoints; None: nobody may make any. `people` gives the token of calls to the Kubernetes API; None:
    they do not get there. `access` asks RBAC about calls of Kubeflow Pipelines; None: nobody may make any."""
    app = Flask("controlplane", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    held = runtime or Runtime.make(settings)
    app.extensions["mlp"] = held
    app.extensions["mlp-outside"] = outside or Outside()
    caller.init_app(app)
    problem.init_app(app)
    health.init_app(app, held)
    gate.init_app(app, reviewer, endpoints, people, access)
    typed = endpoint.init_app(app, APIS, PREFIX)
    _serve_document(app, lambda: openapi.document(typed, PREFIX, settings.facts.version))
    init_console(app, settings)
    app.after_request(_log)
    return app


def _serve_document(app: Flask, make: Callable[[], dict[str, Any]]) -> None:
    """The document is made when somebody first asks for it: it takes a quarter of a second."""
    text = cache(lambda: json.dumps(make()))

    def openapi_json() -> Response:
        return Response(text(), content_type="application/json")

    app.add_url_rule(f"{PREFIX}/openapi.json", "api.openapi", openapi_json)


def _log(response: Response) -> Response:
    if request.endpoint not in ("health.healthz", "health.readyz", "health.metrics"):
        log.info(
            "request",
            extra={
                "method": request.method, "path": request.path, "status": response.status_code,
                "endpoint": request.endpoint,
            },
        )  # fmt: skip
    return response


def from_environment() -> Flask:
    """For gunicorn: `controlplane.app:from_environment()`."""
    from controlplane import logs
    from controlplane.gate.access import CachedAccess
    from controlplane.wiring import connect, make_endpoint_gate, make_outside, make_people_tokens, make_reviewer

    settings = settings_module.load(os.environ)
    logs.init(settings.log_level)
    kube, runtime = connect(), Runtime.make(settings)
    people, access = make_people_tokens(kube), CachedAccess(kube)
    return create_app(
        settings, runtime=runtime, reviewer=make_reviewer(kube), endpoints=make_endpoint_gate(runtime, access),
        people=people, outside=make_outside(settings, kube, people), access=access,
    )  # fmt: skip
