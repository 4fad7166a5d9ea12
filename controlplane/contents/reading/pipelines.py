"""Argo's workflows, their steps, schedules and templates. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from components.contract import KubernetesObject
from controlplane.contents.model import ContentKind, ContentState, Part, Source
from controlplane.contents.reading import fields
from controlplane.contents.reading.cron import next_time
from controlplane.contents.reading.graph import pod_of, pods_by_node
from controlplane.contents.reading.nodes import PHASES, children, label, nodes
from controlplane.contents.reading.status import Status

WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
CRON_LABEL = "workflows.argoproj.io/cron-workflow"
AGAIN_LABEL = "workflows.argoproj.io/resubmitted-from-workflow"
_STEPS = 200


def workflow(obj: KubernetesObject) -> Status:
    """One run of a pipeline."""
    state = PHASES.get(fields.text(obj, "status", "phase"), ContentState.STARTING)
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


def steps(obj: KubernetesObject, pods: Iterable[KubernetesObject] = ()) -> tuple[Part, ...]:
    """The steps that run something, in the order of their start; at most 200. A retry's attempts are left out."""
    found = nodes(obj)
    by_node = pods_by_node(pods)
    retried = {child for node in found.values() if node.get("type") == "Retry" for child in children(node)}
    shown = [
        (key, node)
        for key, node in found.items()
        if node.get("type") in ("Pod", "Retry", "Suspend", "HTTP", "Plugin", "Container") and key not in retried
    ]
    return tuple(
        Part(
            name=label(node),
            state=PHASES.get(fields.text(node, "phase"), ContentState.STARTING),
            detail=fields.words(fields.text(node, "message")),
            started_at=fields.time(node, "startedAt"),
            ended_at=fields.time(node, "finishedAt"),
            pod=pod_of(key, node, by_node),
        )
        for key, node in shown[:_STEPS]
    )


def template(obj: KubernetesObject) -> Status:
    """A WorkflowTemplate: kept until it is run."""
    reason = "" if can_run(obj) else "It names no entrypoint: other pipelines use its parts, it is not run by itself."
    return Status(ContentState.REGISTERED, reason)


def can_run(obj: KubernetesObject) -> bool:
    """Whether a template says where it begins."""
    return bool(fields.text(obj, "spec", "entrypoint"))


def source(obj: KubernetesObject) -> Source | None:
    """The nearest thing that a workflow was made of: the one that ran before, its schedule, its template."""
    noted = fields.labels(obj)
    template = fields.at(obj, "spec", "workflowTemplateRef")
    own = template if isinstance(template, Mapping) and not template.get("clusterScope") else {}
    for kind, name in (
        (ContentKind.WORKFLOW, noted.get(AGAIN_LABEL)),
        (ContentKind.CRONWORKFLOW, noted.get(CRON_LABEL)),
        (ContentKind.WORKFLOWTEMPLATE, own.get("name")),
    ):
        if isinstance(name, str) and name:
            return Source(kind=kind, name=name)
    return None


def made_of(found: KubernetesObject, kind: ContentKind, name: str) -> bool:
    """Whether a workflow was made of that schedule or template."""
    if kind is ContentKind.CRONWORKFLOW:
        return fields.labels(found).get(CRON_LABEL) == name
    return fields.text(found, "spec", "workflowTemplateRef", "name") == name and not fields.at(
        found, "spec", "workflowTemplateRef", "clusterScope"
    )


def next_at(obj: KubernetesObject, now: datetime) -> datetime | None:
    """When a schedule comes round next; None while it is stopped, or where it cannot be told."""
    if schedule(obj).state is not ContentState.RUNNING or fields.at(obj, "metadata", "deletionTimestamp"):
        return None
    return next_time(_times(obj), fields.text(obj, "spec", "timezone"), now)


def _times(obj: KubernetesObject) -> list[str]:
    given = fields.at(obj, "spec", "schedules")
    times = [t for t in given if isinstance(t, str)] if isinstance(given, list) else []
    single = fields.text(obj, "spec", "schedule")
    return times or ([single] if single else [])


def schedule(obj: KubernetesObject) -> Status:
    """A CronWorkflow: running while it is active."""
    cron = ", ".join(_times(obj))
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
