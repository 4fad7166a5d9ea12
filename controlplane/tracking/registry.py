"""MLflow's model registry, as a workspace's own service account `workload`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controlplane.errors import ControlPlaneError, Permanent
from controlplane.tracking.calls import Calls, TrackingAway, TrackingObjects

_ALIAS = "registered-models/alias"
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's codes where it has no such model, and where the model has no such alias."""
_THERE = "RESOURCE_ALREADY_EXISTS"


class NoSuchVersion(Permanent, ControlPlaneError):
    """There is no such model or alias; the message is MLflow's own."""


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model. `run` is the id of the MLflow run that made it; empty where none did."""

    version: str
    run: str = ""


class Registry:
    """Threads may share one. Besides what is said, everything raises what `Calls` does."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def close(self) -> None:
        self._calls.close()

    def by_alias(self, namespace: str, model: str, alias: str) -> ModelVersion:
        """What the alias points to now. Raises NoSuchVersion."""
        try:
            body = self._calls.get(namespace, _ALIAS, name=model, alias=alias)
        except TrackingObjects as error:
            if error.code in _ABSENT:
                raise NoSuchVersion(str(error)) from error
            raise TrackingAway(f"MLflow answered {error.code}") from error
        return _version(body.get("model_version"))

    def of_run(self, namespace: str, model: str, run: str) -> ModelVersion | None:
        """The newest version of the model that this run made."""
        where = f"name = '{_quoted(model)}' and run_id = '{_quoted(run)}'"
        body = self._calls.get(namespace, "model-versions/search", filter=where, max_results="100")
        found = [_version(each) for each in body.get("model_versions") or ()]
        return max(found, key=lambda each: int(each.version), default=None)

    def register(
        self, namespace: str, model: str, *, logged: str, run: str, tags: Mapping[str, str]
    ) -> ModelVersion:  # fmt: skip
        """A new version of the model, which is made where there is none. `logged`: id of the logged model of the run.
        Not idempotent: ask `of_run` first."""
        try:
            self._calls.post(namespace, "registered-models/create", {"name": model})
        except TrackingObjects as error:
            if error.code != _THERE:
                raise
        found = self._calls.get(namespace, f"logged-models/{logged}")
        source = str(((found.get("model") or {}).get("info") or {}).get("artifact_uri") or "")
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        body = {"name": model, "source": source, "run_id": run, "model_id": logged, "tags": pairs}
        answer = self._calls.post(namespace, "model-versions/create", body)
        return _version(answer.get("model_version"))

    def point(self, namespace: str, model: str, alias: str, version: str) -> None:
        """The alias points to that version from now on."""
        self._calls.post(namespace, _ALIAS, {"name": model, "alias": alias, "version": version})


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _version(found: Any) -> ModelVersion:
    if not isinstance(found, dict) or not str(found.get("version") or ""):
        raise TrackingAway("MLflow answered without a version")
    return ModelVersion(str(found["version"]), str(found.get("run_id") or ""))
