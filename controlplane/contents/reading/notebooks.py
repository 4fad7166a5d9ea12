"""Notebook servers: pods that JupyterHub starts. Pure."""

from __future__ import annotations

from components.contract import KubernetesObject
from components.notebooks.naming import HUB_PATH
from controlplane.contents.model import ContentState
from controlplane.contents.reading import fields, pods
from controlplane.contents.reading.status import Status

COMPONENT_LABEL = ("component", "singleuser-server")
USER_LABEL = "hub.jupyter.org/username"
SERVER_LABEL = "hub.jupyter.org/servername"
_PHASES = {
    "Pending": ContentState.STARTING,
    "Running": ContentState.RUNNING,
    "Succeeded": ContentState.STOPPED,
    "Failed": ContentState.FAILED,
}


def is_notebook(pod: KubernetesObject) -> bool:
    key, value = COMPONENT_LABEL
    return fields.labels(pod).get(key) == value


def notebook(pod: KubernetesObject) -> Status:
    state = _PHASES.get(fields.text(pod, "status", "phase"), ContentState.STARTING)
    if state is ContentState.RUNNING and not fields.holds(pod, "Ready"):
        state = ContentState.STARTING
    return Status(state, pods.trouble(pod), "", fields.time(pod, "status", "startTime"))


def address(account: str, namespace: str) -> str:
    """Where an account opens its notebook in a workspace; the hub starts it where it does not run. Nobody else can."""
    return f"{HUB_PATH}/spawn/{account}/{namespace.removeprefix('ws-')}"


def owner(pod: KubernetesObject) -> str | None:
    """The account that the hub started it for: the annotation has the name as it is, the label an escaped one."""
    found = fields.notes(pod).get(USER_LABEL) or fields.labels(pod).get(USER_LABEL, "")
    return found or None
