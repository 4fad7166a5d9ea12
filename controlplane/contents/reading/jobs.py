"""Training and batch jobs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.contract import KubernetesObject
from controlplane.contents.model import ContentState
from controlplane.contents.reading import fields
from controlplane.contents.reading.status import Status, counted


def trainjob(obj: KubernetesObject) -> Status:
    """TrainJob of trainer.kubeflow.org."""
    jobs = fields.each(obj, "status", "jobsStatus")
    nodes = fields.number(obj, "spec", "trainer", "numNodes")
    progress = f"{nodes} nodes" if nodes > 1 else ""
    complete, failed = fields.condition(obj, "Complete"), fields.condition(obj, "Failed")
    started = fields.time(obj, "metadata", "creationTimestamp") if jobs else None
    for found, state in ((complete, ContentState.SUCCEEDED), (failed, ContentState.FAILED)):
        if found.get("status") == "True":
            reason = fields.said(found) if state is ContentState.FAILED else ""
            return Status(state, reason, progress, started, fields.time(found, "lastTransitionTime"))
    if fields.at(obj, "spec", "suspend") is True or fields.holds(obj, "Suspended"):
        return Status(ContentState.STOPPED, "It is suspended.", progress)
    if any(fields.number(job, "active") for job in jobs):
        resumed = fields.condition(obj, "Suspended")
        return Status(ContentState.RUNNING, "", progress, fields.time(resumed, "lastTransitionTime") or started)
    return Status(ContentState.STARTING, "", progress)


def trainjob_children(obj: KubernetesObject) -> Iterable[str]:
    """Names of the JobSet and the jobs that a TrainJob makes; their events tell why there are no pods."""
    name = fields.name(obj)
    return (name, *(f"{name}-{fields.text(job, 'name')}-0" for job in fields.each(obj, "status", "jobsStatus")))


def operator_job(obj: KubernetesObject) -> Status:
    """TFJob, PyTorchJob and MPIJob of kubeflow.org/v1, which share one status."""
    replicas = fields.at(obj, "status", "replicaStatuses")
    counts = [r for r in replicas.values() if isinstance(r, Mapping)] if isinstance(replicas, Mapping) else []
    wanted = _replicas(obj)
    up = sum(fields.number(r, "active") + fields.number(r, "succeeded") for r in counts)
    failed_replicas = sum(fields.number(r, "failed") for r in counts)
    progress = counted(up, wanted, "replica", f"{failed_replicas} failed" if failed_replicas else "")
    started = fields.time(obj, "status", "startTime")
    for kind, state in (("Succeeded", ContentState.SUCCEEDED), ("Failed", ContentState.FAILED)):
        found = fields.condition(obj, kind)
        if found.get("status") == "True":
            ended = fields.time(obj, "status", "completionTime") or fields.time(found, "lastTransitionTime")
            return Status(state, fields.said(found) if state is ContentState.FAILED else "", progress, started, ended)
    if fields.at(obj, "spec", "runPolicy", "suspend") is True or fields.holds(obj, "Suspended"):
        return Status(ContentState.STOPPED, "It is suspended.", progress)
    restarting = fields.condition(obj, "Restarting")
    if restarting.get("status") == "True":
        return Status(ContentState.STARTING, f"It starts again: {fields.said(restarting)}", progress, started)
    if fields.holds(obj, "Running"):
        return Status(ContentState.RUNNING, "", progress, started)
    return Status(ContentState.STARTING, "", progress, started)


def _replicas(obj: KubernetesObject) -> int:
    """How many pods it asks for. A replica type without a number means one."""
    for name in ("tfReplicaSpecs", "pytorchReplicaSpecs", "mpiReplicaSpecs"):
        specs = fields.at(obj, "spec", name)
        if isinstance(specs, Mapping):
            return sum(_count(spec) for spec in specs.values())
    return 0


def _count(spec: Any) -> int:
    given = spec.get("replicas") if isinstance(spec, Mapping) else None
    return given if isinstance(given, int) else 1


def batch_job(obj: KubernetesObject) -> Status:
    """Job of batch/v1."""
    wanted = fields.number(obj, "spec", "completions") or 1
    done, bad = fields.number(obj, "status", "succeeded"), fields.number(obj, "status", "failed")
    progress = counted(done, wanted, "pod", f"{bad} failed" if bad else "") if wanted > 1 or bad else ""
    started = fields.time(obj, "status", "startTime")
    for kind, state in (("Complete", ContentState.SUCCEEDED), ("Failed", ContentState.FAILED)):
        found = fields.condition(obj, kind)
        if found.get("status") == "True":
            ended = fields.time(obj, "status", "completionTime") or fields.time(found, "lastTransitionTime")
            return Status(state, fields.said(found) if state is ContentState.FAILED else "", progress, started, ended)
    if fields.at(obj, "spec", "suspend") is True:
        return Status(ContentState.STOPPED, "It is suspended.", progress)
    running = fields.number(obj, "status", "ready") > 0
    return Status(ContentState.RUNNING if running else ContentState.STARTING, "", progress, started)
