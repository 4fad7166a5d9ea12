"""A narrow client of MLflow's REST API that acts as the person who calls, so that RBAC decides there as well.

It stands where the gateway stands: the hop's secret makes the server believe who is named in the headers.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from controlplane.errors import Conflict, NotFound, PublicError, Refused, Unavailable
from controlplane.gate.model import Identity
from controlplane.tracking import model
from controlplane.tracking.model import LoggedModel, ModelVersion, RegisteredModel, Run

log = logging.getLogger(__name__)
_API = "/api/2.0/mlflow"
_TIMEOUT = httpx2.Timeout(15.0, connect=3.0)
_PAGE = 100
_MOST = 20
"""Pages of one search at most."""


class Tracking:
    """One tracking server. Threads share it; it opens connections when they are first needed."""

    def __init__(self, url: str, secret: str, *, transport: httpx2.BaseTransport | None = None) -> None:
        # The server answers to its own name only, without a port.
        headers = {"Host": urlsplit(url).hostname or "", "X-Mlp-Gateway-Secret": secret, "Accept": "application/json"}
        self._http = httpx2.Client(
            base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=False, transport=transport
        )  # fmt: skip

    def close(self) -> None:
        """Ends all connections."""
        self._http.close()

    def workspace(self, namespace: str, caller: Identity) -> TrackingWorkspace:
        """The workspace as somebody sees it. Sends nothing yet."""
        return TrackingWorkspace(self._http, {**caller.headers(), "X-MLflow-Workspace": namespace})


@dataclass(frozen=True)
class TrackingWorkspace:
    """Calls in one workspace as one person.

    NotFound: there is no such thing. Refused: RBAC says no. Conflict: MLflow finds the request wrong.
    Unavailable: the server does not answer.
    """

    _http: httpx2.Client
    _headers: Mapping[str, str]

    def models(self, search: str = "") -> Iterator[RegisteredModel]:
        """Registered models by name; `search` is part of it."""
        query = {"order_by": "name ASC"}
        if search:
            query["filter"] = f"name ILIKE {_quoted(f'%{search}%')}"
        for found in self._search("registered-models/search", "registered_models", query):
            yield model.registered_model(found)

    def registered_model(self, name: str) -> RegisteredModel:
        return model.registered_model(self._get("registered-models/get", name=name)["registered_model"])

    def versions(self, name: str) -> Iterator[ModelVersion]:
        """Of a registered model, newest first."""
        query = {"filter": f"name = {_quoted(name)}", "order_by": "version_number DESC"}
        for found in self._search("model-versions/search", "model_versions", query):
            yield model.model_version(found)

    def versions_of_run(self, run: str) -> Iterator[ModelVersion]:
        for found in self._search("model-versions/search", "model_versions", {"filter": f"run_id = {_quoted(run)}"}):
            yield model.model_version(found)

    def version(self, name: str, version: int) -> ModelVersion:
        return model.model_version(self._get("model-versions/get", name=name, version=str(version))["model_version"])

    def version_by_alias(self, name: str, alias: str) -> ModelVersion:
        return model.model_version(self._get("registered-models/alias", name=name, alias=alias)["model_version"])

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Moves the alias, or makes it."""
        self._call("POST", "registered-models/alias", body={"name": name, "alias": alias, "version": str(version)})

    def remove_alias(self, name: str, alias: str) -> None:
        self._call("DELETE", "registered-models/alias", body={"name": name, "alias": alias})

    def run(self, run: str) -> Run:
        return model.run(self._get("runs/get", run_id=run)["run"])

    def logged_model(self, model_id: str) -> LoggedModel:
        return model.logged_model(self._get(f"logged-models/{model_id}")["model"])

    def experiment_name(self, experiment: str) -> str:
        return str(self._get("experiments/get", experiment_id=experiment)["experiment"].get("name") or "")

    def _search(self, path: str, items: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        token = ""
        for _ in range(_MOST):
            more = {"page_token": token} if token else {}
            page = self._get(path, max_results=str(_PAGE), **query, **more)
            yield from page.get(items) or ()
            token = str(page.get("next_page_token") or "")
            if not token:
                return

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        return self._call("GET", path, query=query)

    def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        try:
            answer = self._http.request(method, f"{_API}/{path}", params=query, json=body, headers=dict(self._headers))
        except httpx2.TransportError as error:
            log.warning("the tracking server does not answer", extra={"cause": type(error).__name__})
            raise _away() from error
        try:
            data = json.loads(answer.content) if answer.content else {}
        except ValueError:
            data = {}
        if answer.is_success and isinstance(data, dict):
            return data
        raise _problem(answer.status_code, data if isinstance(data, dict) else {})


def _problem(status: int, data: Mapping[str, Any]) -> PublicError:
    """MLflow's refusal. Its words name objects of the workspace that the person asked about, nothing else."""
    said = str(data.get("message") or f"status {status}")[:500]
    if status == 404:
        return NotFound()
    if status in (401, 403):
        return Refused(
            "MLflow does not let you do that in this workspace; RBAC decides by your role in its tenant.",
            code="rbac",
        )
    if status >= 500 or status == 429:
        log.warning("the tracking server failed", extra={"status": status, "said": said})
        return _away()
    return Conflict(f"MLflow refused it: {said}", code="tracking-refused")


def _away() -> Unavailable:
    return Unavailable("MLflow does not answer right now. Nothing was changed; try again.", retry_after=5)


def _quoted(text: str) -> str:
    """A literal of MLflow's search syntax, which knows no escapes. Conflict where the text has both kinds of quotes."""
    for quote in ("'", '"'):
        if quote not in text:
            return f"{quote}{text}{quote}"
    raise Conflict("A name with both kinds of quotes cannot be searched for.", code="tracking-refused")
