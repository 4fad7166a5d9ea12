"""What MLflow's REST API says, as values: only the fields that somebody here reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class DatasetInput:
    """Data that a run read; `context` such as `training`."""

    name: str
    digest: str
    source_type: str
    source: str
    context: str


@dataclass(frozen=True)
class Run:
    """`user` is who started it, by the tracking server's word."""

    id: str
    name: str
    experiment: str
    status: str
    user: str
    started_at: datetime | None
    ended_at: datetime | None
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The last value of each."""
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[DatasetInput, ...] = ()
    models: tuple[str, ...] = ()
    """Ids of the logged models that it made."""
    inputs: tuple[str, ...] = ()
    """Ids of the logged models that it read, as an evaluation does."""


@dataclass(frozen=True)
class ModelVersion:
    """`run` is empty where no run made it; `model` the logged model behind it, empty where there is none."""

    name: str
    version: int
    source: str
    run: str
    model: str
    status: str
    description: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    created_at: datetime | None


@dataclass(frozen=True)
class RegisteredModel:
    """`aliases`: name → version. `latest` is its newest version, None before the first."""

    name: str
    description: str
    aliases: Mapping[str, int]
    tags: Mapping[str, str]
    latest: int | None
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True)
class LoggedModel:
    id: str
    name: str
    run: str
    metrics: Mapping[str, float]


def run(data: Mapping[str, Any]) -> Run:
    info, content = data.get("info") or {}, data.get("data") or {}
    inputs, outputs = data.get("inputs") or {}, data.get("outputs") or {}
    return Run(
        id=str(info.get("run_id") or ""), name=str(info.get("run_name") or ""),
        experiment=str(info.get("experiment_id") or ""), status=str(info.get("status") or ""),
        user=str(info.get("user_id") or ""), started_at=moment(info.get("start_time")),
        ended_at=moment(info.get("end_time")), parameters=pairs(content.get("params")),
        metrics=_metrics(content.get("metrics")), tags=pairs(content.get("tags")),
        datasets=tuple(_dataset(each) for each in inputs.get("dataset_inputs") or ()),
        models=tuple(str(each.get("model_id") or "") for each in outputs.get("model_outputs") or ()),
        inputs=tuple(str(each.get("model_id") or "") for each in inputs.get("model_inputs") or ()),
    )  # fmt: skip


def _dataset(data: Mapping[str, Any]) -> DatasetInput:
    dataset = data.get("dataset") or {}
    return DatasetInput(
        name=str(dataset.get("name") or ""), digest=str(dataset.get("digest") or ""),
        source_type=str(dataset.get("source_type") or ""), source=str(dataset.get("source") or ""),
        context=pairs(data.get("tags")).get("mlflow.data.context", ""),
    )  # fmt: skip


def model_version(data: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion(
        name=str(data.get("name") or ""), version=int(data.get("version") or 0),
        source=str(data.get("source") or ""), run=str(data.get("run_id") or ""),
        model=str(data.get("model_id") or _logged_model_of(str(data.get("source") or ""))),
        status=str(data.get("status") or ""), description=str(data.get("description") or ""),
        aliases=tuple(str(a) for a in data.get("aliases") or ()), tags=pairs(data.get("tags")),
        created_at=moment(data.get("creation_timestamp")),
    )  # fmt: skip


def _logged_model_of(source: str) -> str:
    """The id in `models:/m-…`, which is what a version's source is where it was logged as a model."""
    name = source.removeprefix("models:/") if source.startswith("models:/") else ""
    return name if name.startswith("m-") and "/" not in name and "@" not in name else ""


def registered_model(data: Mapping[str, Any]) -> RegisteredModel:
    latest = [int(each.get("version") or 0) for each in data.get("latest_versions") or ()]
    aliases = {
        str(each.get("alias")): int(each.get("version") or 0)
        for each in data.get("aliases") or ()
        if each.get("alias")
    }  # fmt: skip
    return RegisteredModel(
        name=str(data.get("name") or ""), description=str(data.get("description") or ""), aliases=aliases,
        tags=pairs(data.get("tags")), latest=max(latest, default=None),
        created_at=moment(data.get("creation_timestamp")), updated_at=moment(data.get("last_updated_timestamp")),
    )  # fmt: skip


def logged_model(data: Mapping[str, Any]) -> LoggedModel:
    info, content = data.get("info") or {}, data.get("data") or {}
    return LoggedModel(
        id=str(info.get("model_id") or ""), name=str(info.get("name") or ""),
        run=str(info.get("source_run_id") or ""), metrics=_metrics(content.get("metrics")),
    )  # fmt: skip


def pairs(items: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """MLflow's lists of key and value."""
    return {str(item["key"]): str(item.get("value") or "") for item in items or () if "key" in item}


def _metrics(items: Iterable[Mapping[str, Any]] | None) -> dict[str, float]:
    found = {}
    for item in items or ():
        try:
            found[str(item["key"])] = float(item["value"])
        except (KeyError, TypeError, ValueError):
            continue
    return found


def moment(milliseconds: Any) -> datetime | None:
    """MLflow's times are milliseconds since 1970; some answers have them as text."""
    try:
        seconds = int(milliseconds) / 1000
    except (TypeError, ValueError):
        return None
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
