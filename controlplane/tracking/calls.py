"""Calls of the MLflow server as a workspace's own service account `workload`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from components.facts import Endpoint
from components.tracking.workspace import WORKLOAD_SERVICE_ACCOUNT
from controlplane.errors import ControlPlaneError, Permanent, Temporary

_TIMEOUT = httpx2.Timeout(5.0)
_PAGE = 500


class TrackingAway(Temporary, ControlPlaneError):
    """No answer that says anything: the server is away, starting, or failed."""


class TrackingRefused(Permanent, ControlPlaneError):
    """MLflow or RBAC refused the workspace's account."""


class TrackingObjects(Permanent, ControlPlaneError):
    """MLflow understood and found it wrong; the message is MLflow's own."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
        """Such as `RESOURCE_DOES_NOT_EXIST`."""


class Calls:
    """Threads may share one. Everything raises TrackingObjects, TrackingRefused or TrackingAway."""

    def __init__(self, endpoint: Endpoint, secret: str, transport: httpx2.BaseTransport | None = None) -> None:
        """`secret`: by which the server believes whom we speak for. The server says what it is good for."""
        self._secret = secret
        # The server checks the name that it is called by.
        self._host = urlsplit(endpoint.url).hostname or ""
        self._client = httpx2.Client(base_url=endpoint.url, timeout=_TIMEOUT, trust_env=False, transport=transport)

    def close(self) -> None:
        self._client.close()

    def get(self, namespace: str, path: str, **params: str) -> dict[str, Any]:
        """`path` as MLflow's REST API has it, below /api/2.0/mlflow/."""
        return self._send("GET", namespace, path, params=params)

    def post(self, namespace: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._send("POST", namespace, path, body=body)

    def patch(self, namespace: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._send("PATCH", namespace, path, body=body)

    def pages(
        self, namespace: str, path: str, items: str, body: Mapping[str, Any], *, at_most: int
    ) -> Iterator[dict[str, Any]]:
        """What a search by POST finds, page by page, from the field `items` of the answers."""
        token, left = "", at_most
        while left > 0:
            asked = {**body, "max_results": min(_PAGE, left)} | ({"page_token": token} if token else {})
            answer = self.post(namespace, path, asked)
            found = answer.get(items) or []
            yield from found
            left -= len(found)
            token = str(answer.get("next_page_token") or "")
            if not token or not found:
                return

    def _send(
        self, method: str, namespace: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        try:
            answer = self._client.request(
                method,
                f"/api/2.0/mlflow/{path}",
                params=dict(params or {}),
                json=body,
                headers=self._headers(namespace),
            )
            document = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise TrackingAway(f"MLflow did not answer: {type(error).__name__}") from error
        if not isinstance(document, dict):
            raise TrackingAway("MLflow answered with something else than a document")
        if answer.status_code == 200:
            return document
        message, code = str(document.get("message") or "")[:300], str(document.get("error_code") or "")
        if answer.status_code in (401, 403):
            raise TrackingRefused(message)
        if answer.status_code < 500 and code:
            raise TrackingObjects(message, code)
        raise TrackingAway(f"MLflow answered {answer.status_code}")

    def _headers(self, namespace: str) -> dict[str, str]:
        groups = ("system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return {
            "Host": self._host,
            "X-Mlp-Gateway-Secret": self._secret,
            "X-Remote-User": f"system:serviceaccount:{namespace}:{WORKLOAD_SERVICE_ACCOUNT}",
            "X-Remote-Groups": "|".join(groups),
            "X-MLflow-Workspace": namespace,
        }
