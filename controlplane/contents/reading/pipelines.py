"""Argo's workflows, their steps, and their schedules. Pure."""

from __future__ import annotations

from components.contract import KubernetesObject
from controlplane.contents.model import ContentState, Part
from controlplane.contents.reading import fields
from controlplane.contents.reading.status import Status

WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
_PHASES = {
    "": ContentState.STARTING,
    "Pending": ContentState.STARTING,
    "Running": ContentState.RUNNING,
    "Succeeded": ContentState.SUCCEEDED,
    "Failed": ContentState.FAILED,
    "Error": ContentState.FAILED,
    "Skipped": ContentState.SUCCEEDED,
    "Omitted": ContentState.SUCCEEDED,
}
_STEPS = 200


def workflow(obj: KubernetesObject) -> Status:
    """One run of a pipeline."""
    state = _PHASES.get(fields.text(obj, "status", "phase"), ContentState.STARTING)
    done, _, of = fields.text(obj, "status", "progress").partition("/")
    progress = f"{done} of {of} steps" if of else ""
    reason = fields.words(fields.text(obj, "status", "message"))
    started, ended = fields.time(obj, "status", "startedAt"), fields.time(obj, "status", "finishedAt")
    if state in (ContentState.STARTING, ContentState.RUNNING):
        if fields.at(obj, "spec", "suspend") is True:
            return Status(ContentState.STOPPED, "It is paused; steps that run go on to their end.", progress, started)
        if fields.text(obj, "spec", "shutdown"):
            return Status(ContentState.ENDING, "It is being stopped.", progress, started)
        ended = None
    return Status(state, reason if state is not ContentState.SUCCEEDED else "", progress, started, ended)


def steps(obj: KubernetesObject) -> tuple[Part, ...]:
    """The steps that run something, in the order of their start; at most 200. A retry's attempts are left out."""
    nodes = fields.at(obj, "status", "nodes")
    found = [node for node in nodes.values() if isinstance(node, dict)] if isinstance(nodes, dict) else []
    retried = {child for node in found if node.get("type") == "Retry" for child in node.get("children") or ()}
    shown = [
        node
        for node in found
        if node.get("type") in ("Pod", "Retry", "Suspend", "HTTP", "Plugin", "Container")
        and fields.text(node, "id") not in retried
    ]
    shown.sort(key=lambda node: (fields.text(node, "startedAt") or "~", fields.text(node, "displayName")))
    return tuple(
        Part(
            name=fields.text(node, "displayName") or fields.text(node, "name"),
            state=_PHASES.get(fields.text(node, "phase"), ContentState.STARTING),
            detail=fields.words(fields.text(node, "message")),
            started_at=fields.time(node, "startedAt"),
            ended_at=fields.time(node, "finishedAt"),
        )
        for node in shown[:_STEPS]
    )


def schedule(obj: KubernetesObject) -> Status:
    """A CronWorkflow: running while it is active."""
    given = fields.at(obj, "spec", "schedules")
    times = [t for t in given if isinstance(t, str)] if isinstance(given, list) else []
    cron = ", ".join(times) or fields.text(obj, "spec", "schedule")
    zone = fields.text(obj, "spec", "timezone")
    done, bad = fields.number(obj, "status", "succeeded"), fields.number(obj, "status", "failed")
    parts = [
        f"at {cron}{f' ({zone})' if zone else ''}",
        f"{done} succeeded" if done else "",
        f"{bad} failed" if bad else "",
    ]
    progress = ", ".join(part for part in parts if part)
    last = fields.time(obj, "status", "lastScheduledTime")
    wrong = next((c for c in fields.each(obj, "status", "conditions") if c.get("type") == "SpecError"), {})
    if wrong.get("status") == "True":
        return Status(ContentState.FAILED, fields.said(wrong), progress, last)
    if fields.at(obj, "spec", "suspend") is True:
        return Status(ContentState.STOPPED, "It starts nothing until it is resumed.", progress, last)
    if fields.text(obj, "status", "phase") == "Stopped":
        return Status(ContentState.SUCCEEDED, "Its stop condition is met.", progress, last)
    return Status(ContentState.RUNNING, "", progress, last)
