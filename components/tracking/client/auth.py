"""How MLflow's client in a pod says who it is: with the pod's own short-lived token, read from its file."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

TOKEN_FILE_VARIABLE = "MLP_TOKEN_FILE"  # noqa: S105 - a name
TOKEN_FILE = "/var/run/secrets/mlp/token"  # noqa: S105 - a path
_FRESH_SECONDS = 30.0
"""The kubelet renews a token at 80 % of its life, ten minutes at least before it ends."""


class TokenFileAuth:
    """Adds the token to a request (an `AuthBase` of requests, by shape). Read again every half minute."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._token = ""
        self._read_at = float("-inf")

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._current()}"
        return request

    def _current(self) -> str:
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_SECONDS:
                try:
                    self._token = self._path.read_text("ascii").strip()
                except OSError as error:
                    raise MlflowException(
                        f"The pod has no token at {self._path}: {error.strerror}. Mount the projected volume `mlp` "
                        "(service account token with audience mlp, and ConfigMap mlp-ca) at that folder."
                    ) from error
                self._read_at = time.monotonic()
            return self._token


class WorkloadAuthProvider(RequestAuthProvider):  # type: ignore[misc]
    """Chosen by MLFLOW_TRACKING_AUTH=mlp, which ConfigMap `mlflow` sets."""

    def get_name(self) -> str:
        return "mlp"

    def get_auth(self) -> TokenFileAuth:
        return TokenFileAuth(Path(os.environ.get(TOKEN_FILE_VARIABLE, TOKEN_FILE)))
