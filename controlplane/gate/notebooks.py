"""Notebooks: what the gateway passes on to the hub, and what the hub may ask by itself.

GET /internal/people/<account>. In: X-Mlp-Notebooks-Secret. Out: 200 with X-Remote-User and X-Remote-Groups as
/internal/authorize gives them for the account's session; 403 or 404 with X-Mlp-Reason.
"""

from __future__ import annotations

import hmac
from typing import TypeVar

from flask import Flask, Response, request
from pydantic import SecretStr

from components.notebooks.naming import account_of
from controlplane.auth import repository as accounts
from controlplane.auth.service import AuthService
from controlplane.errors import Temporary
from controlplane.gate.model import Identity, Refusal
from controlplane.gate.service import GateService
from controlplane.http import caller
from controlplane.work import Work

HEADER = "X-Mlp-Notebooks-Secret"
PREFIX = "/notebooks/"
T = TypeVar("T")


def init_app(app: Flask) -> None:
    app.add_url_rule("/internal/people/<account>", "gate.people", _view, methods=["GET"])


def judged(decision: T, uri: str) -> T | Refusal:
    """Notebook servers belong to people: a pod's identity does not get to the hub. `uri`: path and query. Pure."""
    if uri.startswith(PREFIX) and isinstance(decision, Identity) and account_of(decision.user) is None:
        return Refusal(403, "not-a-person")
    return decision


def _view(account: str) -> Response:
    if not _from_hub():
        return _answer(Refusal(403, "not-the-hub"))
    try:
        with caller.runtime().work(origin=caller.origin()) as work:
            return _answer(_find(work, account))
    except Temporary:
        return Response(status=503, headers={"Retry-After": "2"})


def _from_hub() -> bool:
    """Compared in constant time."""
    secret: SecretStr | None = caller.runtime().settings.people_secret
    given = request.headers.get(HEADER, "")
    return secret is not None and hmac.compare_digest(given.encode(), secret.get_secret_value().encode())


def _find(work: Work, account: str) -> Identity | Refusal:
    row = accounts.account_by_name(work.session, account)
    if row is None or row.disabled:
        return Refusal(404, "no-such-account")
    return GateService(work, None).person(AuthService(work).principal_of(row), None)


def _answer(decision: Identity | Refusal) -> Response:
    if isinstance(decision, Identity):
        return Response(status=200, headers=decision.headers())
    return Response(status=decision.status, headers={"X-Mlp-Reason": decision.reason})
