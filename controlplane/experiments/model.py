"""Katib's experiments and trials as far as MLflow is concerned, and what their runs should say. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from components.contract import KubernetesObject
from components.names import DOMAIN
from components.tuning.names import EXPERIMENT_LABEL
from controlplane.tracking.runs import Run, Status

ANNOTATION_MODEL = f"{DOMAIN}/register-model"
"""On an experiment: the registered model of which the best trial's model becomes a version when it has succeeded."""
ALIAS = "candidate"
"""Given to that version."""

TAG_EXPERIMENT = f"{DOMAIN}/katib-experiment"
"""On the parent and its children: the experiment's uid."""
TAG_KIND, TAG_NAME, TAG_OF = f"{DOMAIN}/origin-kind", f"{DOMAIN}/origin-name", f"{DOMAIN}/origin-experiment"
"""As runs bear them that a pod logged (components/tracking/client/origin.py)."""
TAG_BEST_TRIAL, TAG_BEST_RUN = f"{DOMAIN}/best-trial", f"{DOMAIN}/best-run"
TAG_BEST = f"{DOMAIN}/best-parameters"
"""JSON. The parent's params `best.<name>` say the same, but for experiments that went on after they had succeeded:
MLflow's params never change."""
TAG_REGISTERED = f"{DOMAIN}/registered"
"""On the parent: `<model>/<version>` once the alias was given, or why there is nothing to register."""
PARENT = "mlflow.parentRunId"

_WORKSPACE = "ws-"
_ENDED: dict[str, Status] = {
    "Succeeded": "FINISHED",
    "EarlyStopped": "FINISHED",
    "MetricsUnavailable": "FINISHED",
    "Failed": "FAILED",
    "Killed": "KILLED",
}
"""Katib's conditions that end something → how its run ends. The first that is true counts."""
_LONGEST = 250
"""Characters of a value: MLflow takes more, people don't."""


@dataclass(frozen=True)
class Trial:
    """`ended` is None while it runs; times are milliseconds since 1970."""

    name: str
    ended: Status | None
    began: int
    until: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Best:
    """What an experiment has found so far."""

    trial: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Search:
    """An experiment of Katib. `ended` is None while it goes on; `model` is empty where none is to be registered."""

    namespace: str
    name: str
    uid: str
    algorithm: str
    objective: str
    """Such as `maximize accuracy`."""
    ended: Status | None
    began: int
    until: int
    best: Best | None
    model: str

    def fingerprint(self, trials: Iterable[Trial]) -> str:
        """Changes when there may be something to do."""
        done = sorted((trial.name, trial.ended or "") for trial in trials if trial.ended)
        best = self.best.trial if self.best else ""
        return json.dumps([self.ended, best, self.model, done])


def search_of(obj: KubernetesObject) -> Search | None:
    """None: it is going, or not in a workspace."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    if meta.get("deletionTimestamp") or not str(meta["namespace"]).startswith(_WORKSPACE):
        return None
    objective = spec.get("objective") or {}
    return Search(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        algorithm=str((spec.get("algorithm") or {}).get("algorithmName") or ""),
        objective=f"{objective.get('type', '')} {objective.get('objectiveMetricName', '')}".strip(),
        ended=_ended(status),
        began=milliseconds(status.get("startTime") or meta.get("creationTimestamp")),
        until=milliseconds(status.get("completionTime")),
        best=_best(objective, status.get("currentOptimalTrial") or {}),
        model=str((meta.get("annotations") or {}).get(ANNOTATION_MODEL) or "").strip(),
    )


def trial_of(obj: KubernetesObject) -> tuple[tuple[str, str], Trial] | None:
    """Namespace and name of its experiment, and the trial. None: it belongs to none."""
    meta, status = obj["metadata"], obj.get("status") or {}
    experiment = (meta.get("labels") or {}).get(EXPERIMENT_LABEL) or ""
    if not experiment:
        return None
    spec, began = obj.get("spec") or {}, status.get("startTime") or meta.get("creationTimestamp")
    trial = Trial(
        name=meta["name"],
        ended=_ended(status),
        began=milliseconds(began),
        until=milliseconds(status.get("completionTime")) or milliseconds(began),
        parameters=_parameters(spec.get("parameterAssignments")),
        metrics=_metrics((status.get("observation") or {}).get("metrics"), {}),
    )
    return (meta["namespace"], experiment), trial


def _ended(status: Mapping[str, Any]) -> Status | None:
    true = {each.get("type") for each in status.get("conditions") or () if each.get("status") == "True"}
    return next((ending for condition, ending in _ENDED.items() if condition in true), None)


def _best(objective: Mapping[str, Any], found: Mapping[str, Any]) -> Best | None:
    name = str(found.get("bestTrialName") or "")
    strategies = {str(each.get("name")): str(each.get("value")) for each in objective.get("metricStrategies") or ()}
    metrics = _metrics((found.get("observation") or {}).get("metrics"), strategies)
    return Best(name, _parameters(found.get("parameterAssignments")), metrics) if name else None


def _parameters(assignments: Any) -> dict[str, str]:
    return {str(each["name"]): str(each.get("value", ""))[:_LONGEST] for each in assignments or ()}


def _metrics(observed: Any, strategies: Mapping[str, str]) -> dict[str, float]:
    """The last value of each, or the one that the experiment's strategy counts. Katib writes numbers as text, and says
    `unavailable`."""
    found = {}
    for each in observed or ():
        name = str(each.get("name") or "")
        try:
            value = float(each.get(strategies.get(name, "latest")) or each.get("latest") or "")
        except ValueError:
            continue
        if math.isfinite(value):
            found[name] = value
    return found


def milliseconds(time: str | None) -> int:
    """Of a time of Kubernetes; 0 where there is none."""
    return int(datetime.fromisoformat(time).timestamp() * 1000) if time else 0


def parent_tags(search: Search) -> dict[str, str]:
    return {TAG_EXPERIMENT: search.uid, TAG_KIND: "Experiment", TAG_NAME: search.name}


def child_tags(search: Search, trial: Trial, parent: str) -> dict[str, str]:
    """Of a run that is made for a trial whose code logged none."""
    own = {TAG_EXPERIMENT: search.uid, TAG_KIND: "Trial", TAG_NAME: trial.name, TAG_OF: search.name}
    return {**own, PARENT: parent}


def adopted_tags(search: Search, parent: str) -> dict[str, str]:
    """What a run gets that the trial's own code logged."""
    return {TAG_EXPERIMENT: search.uid, PARENT: parent}


def logged_by(trial: Trial, runs: Iterable[Run]) -> list[Run]:
    """The runs that the trial's own code logged, but for those below another run of it."""
    own = [run for run in runs if run.tags.get(TAG_NAME) == trial.name]
    ids = {run.id for run in own}
    return [run for run in own if run.tags.get(PARENT) not in ids]
