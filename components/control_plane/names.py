"""Names by which others find the control plane, and its secrets."""

from __future__ import annotations

from components.names import LABEL_COMPONENT, LABEL_NAME

NAME = "control-plane"
PORT = 8000
QUEUE = "control-plane-queue"
QUEUE_PORT = 6379
QUEUE_USER = "controlplane"

ADMIN_PASSWORD = "admin-password"  # noqa: S105 - a name
"""Password of the first account, `admin`."""
QUEUE_PASSWORD = "control-plane-queue-password"  # noqa: S105 - a name
STORAGE_KEY = "control-plane-storage-key"
"""What the S3 keys of workspaces derive from."""


def pods(part: str) -> dict[str, str]:
    """Labels of the pods of `api`, `worker`, `watcher` or `queue`."""
    return {LABEL_NAME: f"{NAME}-{part}", LABEL_COMPONENT: NAME}
