"""Kueue's Workload: where a job stands in the queue, in words for members. Pure."""

from __future__ import annotations

import re

from components.contract import KubernetesObject
from controlplane.contents.model import QueueState
from controlplane.contents.reading import fields

JOB_UID = "kueue.x-k8s.io/job-uid"
"""Label of a Workload with the uid of its job."""
_UNUSED = re.compile(r"insufficient unused quota for (?P<resource>\S+) in flavor \S+, (?P<more>\S+) more needed")
_NEVER = re.compile(
    r"insufficient quota for (?P<resource>\S+) in flavor \S+, .*?request \((?P<asked>[^)]+)\)"
    r" > maximum capacity \((?P<most>[^)]+)\)"
)


def state(workload: KubernetesObject) -> QueueState:
    reserved = fields.condition(workload, "QuotaReserved")
    admitted = fields.holds(workload, "Admitted")
    return QueueState(
        queue=fields.text(workload, "spec", "queueName"),
        admitted=admitted,
        reason="" if admitted else _waiting(workload),
        since=fields.time(reserved, "lastTransitionTime"),
    )


def stopped(workload: KubernetesObject) -> str:
    """Why it was taken out of the queue; empty while it is in it."""
    if fields.at(workload, "spec", "active") is not False:
        return ""
    evicted = fields.condition(workload, "Evicted")
    if evicted.get("status") == "True" and not str(evicted.get("reason", "")).startswith("Deactivated"):
        return f"The queue gave it up: {fields.said(evicted)}"
    return "It was stopped. Resume it to put it into the queue again."


def finished(workload: KubernetesObject) -> bool:
    return fields.holds(workload, "Finished")


def _waiting(workload: KubernetesObject) -> str:
    reserved = fields.condition(workload, "QuotaReserved")
    if reserved.get("status") == "True":
        checks = [
            check for check in fields.each(workload, "status", "admissionChecks") if check.get("state") != "Ready"
        ]
        named = ", ".join(fields.text(check, "name") for check in checks)
        return f"There is room; it waits for the check {named}." if named else "There is room; it starts in a moment."
    queue = fields.text(workload, "spec", "queueName")
    message = fields.text(reserved, "message")
    again = fields.condition(workload, "Requeued")
    if again.get("status") == "False":
        return f"It comes back into queue {queue} after a pause: {fields.said(again)}"
    if not message:
        return f"It waits in queue {queue}."
    return explained(message, queue)


def explained(message: str, queue: str) -> str:
    """Kueue's reason as a sentence: what is missing, and what would help."""
    never = [f"{m['resource']} ({m['asked']} asked for, {m['most']} at most)" for m in _NEVER.finditer(message)]
    if never:
        return f"It asks for more than the tenant can ever have: {', '.join(never)}. Ask for less, or for more quota."
    unused = [f"{m['more']} {m['resource']}" for m in _UNUSED.finditer(message)]
    if unused:
        return f"It waits in queue {queue} until others of the tenant end: {' and '.join(unused)} more needed."
    if "doesn't exist" in message or "inactive" in message:
        return f"Queue {queue} takes nothing right now: {fields.words(message)}."
    return f"It waits in queue {queue}: {fields.words(message)}"
