"""MLServer's MLflow model, which tells callers what was wrong with what they sent."""

from __future__ import annotations

from mlflow.exceptions import MlflowException
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver_mlflow import MLflowRuntime


class Model(MLflowRuntime):  # type: ignore[misc]
    """Input that does not fit the model's signature is the caller's error (400), not the server's (500)."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        try:
            return await super().predict(payload)
        except MlflowException as error:
            raise InferenceError(error.message) from error
