"""Katib's experiments and their trials. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.contract import KubernetesObject
from controlplane.contents.model import ContentState, Part
from controlplane.contents.reading import fields
from controlplane.contents.reading.status import Status, counted

EXPERIMENT_LABEL = "katib.kubeflow.org/experiment"
_TRIAL_STATES = (
    ("Succeeded", ContentState.SUCCEEDED, ""),
    ("EarlyStopped", ContentState.SUCCEEDED, "stopped early"),
    ("Killed", ContentState.STOPPED, "killed"),
    ("Failed", ContentState.FAILED, ""),
    ("MetricsUnavailable", ContentState.FAILED, "no metric was found in what it wrote"),
)


def experiment(obj: KubernetesObject) -> Status:
    status = fields.at(obj, "status") or {}
    done = fields.number(status, "trialsSucceeded") + fields.number(status, "trialsEarlyStopped")
    bad = fields.number(status, "trialsFailed") + fields.number(status, "trialMetricsUnavailable")
    wanted = fields.number(obj, "spec", "maxTrialCount") or fields.number(status, "trials")
    progress = counted(done, wanted, "trial", f"{bad} failed" if bad else "", _best(obj))
    started, ended = fields.time(status, "startTime"), fields.time(status, "completionTime")
    failed = fields.condition(obj, "Failed")
    if failed.get("status") == "True":
        return Status(ContentState.FAILED, fields.said(failed), progress, started, ended)
    if fields.holds(obj, "Succeeded"):
        return Status(ContentState.SUCCEEDED, "", progress, started, ended)
    if fields.holds(obj, "Running") and fields.number(status, "trialsRunning"):
        return Status(ContentState.RUNNING, "", progress, started)
    waiting = fields.number(status, "trialsPending")
    reason = f"{waiting} {'trial waits' if waiting == 1 else 'trials wait'} to start." if waiting else ""
    return Status(ContentState.STARTING, reason, progress, started)


def _best(obj: KubernetesObject) -> str:
    """The objective's best value so far, such as `best accuracy 0.93`."""
    metric = fields.text(obj, "spec", "objective", "objectiveMetricName")
    found = _value(fields.each(obj, "status", "currentOptimalTrial", "observation", "metrics"), metric)
    return f"best {metric} {found}" if found else ""


def _value(metrics: list[Mapping[str, Any]], metric: str) -> str:
    found = next((m for m in metrics if m.get("name") == metric), {})
    value = fields.text(found, "latest")
    return "" if value in ("", "unavailable") else value


def trial(obj: KubernetesObject) -> Part:
    """One trial: its parameters, and the objective's value where there is one."""
    metric = fields.text(obj, "spec", "objective", "objectiveMetricName")
    value = _value(fields.each(obj, "status", "observation", "metrics"), metric)
    parameters = [
        f"{fields.text(p, 'name')}={fields.text(p, 'value')}" for p in fields.each(obj, "spec", "parameterAssignments")
    ]
    state, note = _trial_state(obj)
    return Part(
        name=fields.name(obj),
        state=state,
        detail=", ".join(part for part in (*parameters, f"{metric} {value}" if value else "", note) if part),
        started_at=fields.time(obj, "status", "startTime"),
        ended_at=fields.time(obj, "status", "completionTime"),
    )


def _trial_state(obj: KubernetesObject) -> tuple[ContentState, str]:
    for kind, state, note in _TRIAL_STATES:
        found = fields.condition(obj, kind)
        if found.get("status") == "True":
            return state, note or (fields.said(found) if state is ContentState.FAILED else "")
    return (ContentState.RUNNING if fields.holds(obj, "Running") else ContentState.STARTING), ""
