"""The control plane's own image, and its queue's."""

from __future__ import annotations

from components.control_plane.settings import ControlPlaneSettings
from components.images import DebianPackages, Image, PythonPackages, SourceTree

VERSION = "0.1.0"
CONTROL_PLANE_IMAGE = "control-plane"
QUEUE_IMAGE = "queue"


def images(settings: ControlPlaneSettings) -> tuple[Image, ...]:
    """One image for API, worker, watcher and migration; Valkey from Debian."""
    folder = "controlplane" if settings.storage == "s3" else f"controlplane/clouds/{settings.storage}"
    return (
        Image(
            name=CONTROL_PLANE_IMAGE,
            version=VERSION,
            layers=(PythonPackages(f"{folder}/requirements.lock"), SourceTree(("controlplane", "components"))),
            command=("python3", "-m", "controlplane.manage", "--help"),
            env={"PYTHONPATH": "/opt/python", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        ),
        Image(
            name=QUEUE_IMAGE,
            version="8.1",
            layers=(DebianPackages(("valkey-server",)),),
            command=("/usr/bin/valkey-server",),
        ),
    )
