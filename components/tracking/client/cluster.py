"""The Kubernetes API through the platform's gateway, with a person's platform token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

TOKEN_VARIABLES = ("MLP_TOKEN", "MLFLOW_TRACKING_TOKEN")
"""Where the token is looked for, in this order."""
_TIMEOUT = 30


class ClusterError(Exception):
    """The gateway or the API server refused, or did not answer; the message says why and what to do."""


class Cluster:
    """Jobs of one workspace. Everything raises ClusterError."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """The gateway is where MLflow is, the workspace the one that MLflow is asked for."""
        self.namespace = environ.get("MLFLOW_WORKSPACE", "")
        token = next((environ[name] for name in TOKEN_VARIABLES if environ.get(name)), "")
        tracking = environ.get("MLFLOW_TRACKING_URI", "")
        if not self.namespace or not tracking.startswith("https://"):
            raise ClusterError("MLFLOW_TRACKING_URI and MLFLOW_WORKSPACE must name the platform and a workspace of it")
        if not token:
            raise ClusterError(
                "a platform token is needed to start a job: make one in the console (Tokens) or with `platform token "
                "create`, and put it into the variable MLP_TOKEN"
            )
        parts = urlsplit(tracking)
        path = parts.path.rstrip("/").removesuffix("/mlflow") + "/kubernetes"
        self._base = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
        self._session.headers["Authorization"] = f"Bearer {token}"

    def create(self, job: Mapping[str, Any]) -> None:
        self._ask("POST", self._path(), job)

    def get(self, name: str) -> dict[str, Any]:
        return self._ask("GET", self._path(name))

    def delete(self, name: str) -> None:
        self._ask("DELETE", self._path(name), {"propagationPolicy": "Background"})

    def _path(self, name: str = "") -> str:
        return f"{self._base}/apis/batch/v1/namespaces/{self.namespace}/jobs" + (f"/{name}" if name else "")

    def _ask(self, method: str, url: str, body: Any = None) -> dict[str, Any]:
        try:
            answer = self._session.request(method, url, json=body, timeout=_TIMEOUT)
            document = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ClusterError(f"the platform did not answer: {type(error).__name__}") from error
        if answer.status_code >= 400:
            said = document.get("message") or document.get("detail") or answer.reason
            raise ClusterError(f"the job was refused ({answer.status_code}): {str(said)[:400]}")
        return dict(document)
