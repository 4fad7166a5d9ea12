"""Names by which others find the control plane, and its secrets."""

from __future__ import annotations

from components.names import control_plane_pods

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


pods = control_plane_pods
