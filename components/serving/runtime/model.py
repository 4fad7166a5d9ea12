"""MLServer's models, with the protocol that KServe takes for granted where nobody names one (V1), and with errors that
tell callers what was wrong with what they sent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from fastapi import Depends
from mlflow.exceptions import MlflowException
from mlserver.errors import InferenceError
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver_mlflow import MLflowRuntime
from mlserver_mlflow.runtime import _get_raw_body
from mlserver_sklearn import SKLearnModel
from starlette.responses import JSONResponse, Response

_PREDICT = "/v1/models/{model}:predict"
_STATUS = "/v1/models/{model}"
"""One model is in a server, so its name is not compared."""


class MlflowModel(MLflowRuntime):  # type: ignore[misc]
    """Input that does not fit the model's signature is the caller's error (400), not the server's (500)."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        try:
            return await super().predict(payload)
        except MlflowException as error:
            raise InferenceError(error.message) from error

    @custom_handler(rest_path=_PREDICT)  # type: ignore[untyped-decorator]
    async def predict_v1(self, body: str = Depends(_get_raw_body)) -> Response:
        """`{"instances": […]}` → `{"predictions": […]}`, which MLflow's own server understands as well."""
        try:
            return await self.invocations(body, "application/json")
        except MlflowException as error:
            raise InferenceError(error.message) from error

    @custom_handler(rest_path=_STATUS, rest_method="GET")  # type: ignore[untyped-decorator]
    async def status_v1(self) -> Response:
        return JSONResponse({"name": self.name, "ready": bool(self.ready)})


class SklearnModel(SKLearnModel):  # type: ignore[misc]
    """A file of scikit-learn's users."""

    @custom_handler(rest_path=_PREDICT)  # type: ignore[untyped-decorator]
    async def predict_v1(self, body: str = Depends(_get_raw_body)) -> Response:
        """`{"instances": [[…], …]}` → `{"predictions": […]}`."""
        try:
            predictions = self._model.predict(_instances(body))
        except (TypeError, ValueError) as error:
            raise InferenceError(str(error)) from error
        return JSONResponse({"predictions": np.asarray(predictions).tolist()})

    @custom_handler(rest_path=_STATUS, rest_method="GET")  # type: ignore[untyped-decorator]
    async def status_v1(self) -> Response:
        return JSONResponse({"name": self.name, "ready": bool(self.ready)})


def _instances(body: str) -> Any:
    """Raises InferenceError where the body is none of the protocol's."""
    try:
        return np.asarray(json.loads(body)["instances"])
    except (ValueError, KeyError, TypeError) as error:
        raise InferenceError('The body must be JSON of the form {"instances": [...]}.') from error
