"""Pods: what keeps one from running, and what is shown of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from components.contract import KubernetesObject
from controlplane.contents.model import ContentPod
from controlplane.contents.reading import fields

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_ORDINARY = frozenset({"ContainerCreating", "PodInitializing"})
_BAD_PHASES = ("Failed", "Unknown")


def trouble(pod: KubernetesObject) -> str:
    """What keeps the pod from running, or why it ended badly; empty where all goes well."""
    scheduled = fields.condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        if scheduled.get("reason") == "SchedulingGated":
            return "It is held back until its queue lets it start."
        return f"No node can take it: {fields.said(scheduled)}"
    containers = fields.each(pod, "status", "initContainerStatuses") + fields.each(pod, "status", "containerStatuses")
    said = fields.first(_container(pod, status) for status in containers)
    if said:
        return said
    if fields.text(pod, "status", "phase") == "Failed":
        return fields.words(fields.text(pod, "status", "message") or fields.text(pod, "status", "reason"))
    return ""


def _container(pod: KubernetesObject, status: Mapping[str, Any]) -> str:
    name = fields.text(status, "name")
    reason = fields.text(status, "state", "waiting", "reason")
    message = fields.words(fields.text(status, "state", "waiting", "message"))
    if reason in _IMAGE:
        return f"The image {fields.text(status, 'image')} cannot be fetched. {message}".strip()
    if reason == "CrashLoopBackOff":
        ended = fields.at(status, "lastState", "terminated") or {}
        times = fields.number(status, "restartCount")
        return f"Container {name} ends again and again ({times} restarts): {_end(pod, name, ended)}"
    if reason and reason not in _ORDINARY:
        return f"Container {name} cannot start: {message or reason}"
    ended = fields.at(status, "state", "terminated") or {}
    if fields.number(ended, "exitCode"):
        return f"Container {name} {_end(pod, name, ended)}"
    return ""


def _end(pod: KubernetesObject, name: str, ended: Mapping[str, Any]) -> str:
    if ended.get("reason") == "OOMKilled":
        spec = next((c for c in fields.each(pod, "spec", "containers") if c.get("name") == name), {})
        limit = fields.text(spec, "resources", "limits", "memory")
        return f"ran out of memory{f' (its limit is {limit})' if limit else ''}."
    message = fields.words(fields.text(ended, "message"))
    return f"ended with exit code {fields.number(ended, 'exitCode')}{f': {message}' if message else '.'}"


def shown(pod: KubernetesObject) -> ContentPod:
    statuses = fields.each(pod, "status", "containerStatuses")
    return ContentPod(
        name=fields.name(pod),
        phase="Ending" if fields.at(pod, "metadata", "deletionTimestamp") else fields.text(pod, "status", "phase"),
        reason=trouble(pod),
        node=fields.text(pod, "spec", "nodeName") or None,
        restarts=sum(fields.number(status, "restartCount") for status in statuses),
        containers=containers(pod),
        started_at=fields.time(pod, "status", "startTime"),
    )


def worst(pods: Iterable[KubernetesObject]) -> str:
    """The first trouble among pods, those that are still wanted before those that ended."""
    ordered = sorted(pods, key=lambda pod: fields.text(pod, "status", "phase") in ("Succeeded", "Failed"))
    return fields.first(trouble(pod) for pod in ordered)


def telling(pods: Sequence[KubernetesObject]) -> KubernetesObject | None:
    """The pod whose log tells most: a failed one, else the newest that has begun, else the newest."""

    def order(pod: KubernetesObject) -> tuple[bool, bool, str]:
        phase = fields.text(pod, "status", "phase")
        return phase in _BAD_PHASES, phase != "Pending", fields.text(pod, "metadata", "creationTimestamp")

    return max(pods, key=order, default=None)


def containers(pod: KubernetesObject) -> tuple[str, ...]:
    """Names of what may have a log: what the pod is for, then what prepares it."""
    every = (*fields.each(pod, "spec", "containers"), *fields.each(pod, "spec", "initContainers"))
    return tuple(fields.text(each, "name") for each in every)


def main_container(pod: KubernetesObject) -> str | None:
    """What `kubectl logs` would choose: the annotated one, else the first."""
    chosen = fields.notes(pod).get("kubectl.kubernetes.io/default-container", "")
    ordinary = [fields.text(c, "name") for c in fields.each(pod, "spec", "containers")]
    return chosen if chosen in ordinary else next(iter(ordinary), None)


def started(pods: Iterable[KubernetesObject]) -> datetime | None:
    """When the first of them began."""
    return min((t for pod in pods if (t := fields.time(pod, "status", "startTime"))), default=None)


def any_running(pods: Iterable[KubernetesObject]) -> bool:
    return any(fields.text(pod, "status", "phase") == "Running" for pod in pods)
