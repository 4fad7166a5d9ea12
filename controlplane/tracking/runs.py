"""MLflow's runs, as a workspace's own service account `workload`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from controlplane.tracking.calls import Calls, TrackingObjects

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
_EXPERIMENTS = 5000
_RUNS = 5000
"""More of them in one workspace are not looked at."""


@dataclass(frozen=True)
class Run:
    """A run that is not deleted."""

    id: str
    experiment: str
    """Id of the MLflow experiment that it is in."""
    status: str
    began: int
    """Milliseconds since 1970."""
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    """Ids of the models that it logged, the last one last."""


class Runs:
    """Threads may share one. Everything raises what `Calls` does."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def close(self) -> None:
        self._calls.close()

    def search(self, namespace: str, where: str) -> list[Run]:
        """Runs of the whole workspace by MLflow's filter, the earliest first."""
        listed = self._calls.pages(namespace, "experiments/search", "experiments", {}, at_most=_EXPERIMENTS)
        ids = [str(each["experiment_id"]) for each in listed]
        if not ids:
            return []
        body = {"experiment_ids": ids, "filter": where, "run_view_type": "ACTIVE_ONLY"}
        found = [_run(each) for each in self._calls.pages(namespace, "runs/search", "runs", body, at_most=_RUNS)]
        return sorted(found, key=lambda run: (run.began, run.id))

    def experiment(self, namespace: str, name: str) -> str:
        """Id of the MLflow experiment of that name, which is made where there is none."""
        try:
            return str(self._calls.post(namespace, "experiments/create", {"name": name})["experiment_id"])
        except TrackingObjects as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = self._calls.get(namespace, "experiments/get-by-name", experiment_name=name)
        return str(found["experiment"]["experiment_id"])

    def start(self, namespace: str, experiment: str, name: str, *, began: int, tags: Mapping[str, str]) -> Run:
        """A new run with its tags, in one call."""
        body = {"experiment_id": experiment, "run_name": name, "start_time": began, "tags": _pairs(tags)}
        return _run(self._calls.post(namespace, "runs/create", body)["run"])

    def note(
        self,
        namespace: str,
        run: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        at: int = 0,
    ) -> None:
        """Adds to a run. Repeating it changes nothing; `at` is the time of the metrics, in milliseconds."""
        measured = [
            {"key": key, "value": value, "timestamp": at, "step": 0} for key, value in (metrics or {}).items()
        ]  # fmt: skip
        body: dict[str, Any] = {"run_id": run, "params": _pairs(params or {}), "metrics": measured}
        self._calls.post(namespace, "runs/log-batch", {**body, "tags": _pairs(tags or {})})

    def end(self, namespace: str, run: str, status: Status, at: int) -> None:
        """The run has ended at that time, or runs again."""
        ended = {"end_time": at} if status != "RUNNING" else {}
        self._calls.post(namespace, "runs/update", {"run_id": run, "status": status, **ended})


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _run(found: Mapping[str, Any]) -> Run:
    info, data = found["info"], found.get("data") or {}
    outputs = sorted((found.get("outputs") or {}).get("model_outputs") or (), key=lambda each: int(each.get("step", 0)))
    return Run(
        id=str(info["run_id"]),
        experiment=str(info["experiment_id"]),
        status=str(info["status"]),
        began=int(info.get("start_time") or 0),
        tags={str(tag["key"]): str(tag.get("value", "")) for tag in data.get("tags") or ()},
        params={str(each["key"]): str(each.get("value", "")) for each in data.get("params") or ()},
        models=tuple(str(each["model_id"]) for each in outputs),
    )
