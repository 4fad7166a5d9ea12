"""MLflow's model registry, read as a workspace's own service account `workload`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from components.facts import Endpoint
from components.tracking.workspace import WORKLOAD_SERVICE_ACCOUNT
from controlplane.errors import ControlPlaneError, Permanent, Temporary

_ALIAS = "/api/2.0/mlflow/registered-models/alias"
_TIMEOUT = httpx2.Timeout(5.0)
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's codes where it has no such model, and where the model has no such alias."""


class TrackingAway(Temporary, ControlPlaneError):
    """No answer that says anything: the server is away, starting, or failed."""


class TrackingRefused(Permanent, ControlPlaneError):
    """MLflow or RBAC refused the workspace's account."""


class NoSuchVersion(Permanent, ControlPlaneError):
    """There is no such model or alias; the message is MLflow's own."""


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model. `run` is the id of the MLflow run that made it; empty where none did."""

    version: str
    run: str = ""


class Registry:
    """Threads may share one."""

    def __init__(self, endpoint: Endpoint, secret: str, transport: httpx2.BaseTransport | None = None) -> None:
        """`secret`: by which the server believes whom we speak for. It lets us read aliases and no more."""
        self._secret = secret
        # The server checks the name that it is called by.
        self._host = urlsplit(endpoint.url).hostname or ""
        self._client = httpx2.Client(base_url=endpoint.url, timeout=_TIMEOUT, trust_env=False, transport=transport)

    def close(self) -> None:
        self._client.close()

    def by_alias(self, namespace: str, model: str, alias: str) -> ModelVersion:
        """What the alias points to now. Raises NoSuchVersion, TrackingRefused, TrackingAway."""
        try:
            answer = self._client.get(
                _ALIAS, params={"name": model, "alias": alias}, headers=self._headers(namespace)
            )  # fmt: skip
            body = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise TrackingAway(f"MLflow did not answer: {type(error).__name__}") from error
        if not isinstance(body, dict):
            raise TrackingAway("MLflow answered with something else than a document")
        if answer.status_code == 200:
            return _version(body)
        message = str(body.get("message") or "")[:300]
        if body.get("error_code") in _ABSENT:
            raise NoSuchVersion(message)
        if answer.status_code in (401, 403):
            raise TrackingRefused(message)
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


def _version(body: dict[str, Any]) -> ModelVersion:
    found = body.get("model_version")
    if not isinstance(found, dict) or not str(found.get("version") or ""):
        raise TrackingAway("MLflow answered without a version")
    return ModelVersion(str(found["version"]), str(found.get("run_id") or ""))
