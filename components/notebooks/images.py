"""Images of the hub and of notebook servers. A server's image is the workspace's image with Jupyter on top."""

from __future__ import annotations

from dataclasses import replace

from components.images import DebianPackages, Image, PythonPackages, SourceTree
from components.notebooks.settings import NotebooksSettings
from components.tracking.images import workspace_image
from components.tracking.settings import TrackingSettings

VERSION = "6.1.1"
"""JupyterHub's version, as in both locks."""
HUB_IMAGE = "notebooks-hub"
NOTEBOOK_IMAGE = "notebook"
HOME = "/home/notebook"

_NAMING = ("components/names.py", "components/notebooks/naming.py")
_PYTHON = "/opt/python"


def hub_image() -> Image:
    """JupyterHub with KubeSpawner and our own parts of it."""
    return Image(
        name=HUB_IMAGE,
        version=VERSION,
        layers=(
            PythonPackages("components/notebooks/requirements.lock"),
            SourceTree((*_NAMING, "components/notebooks/hub")),
        ),
        command=("python3", "-m", "components.notebooks.hub.app"),
        env={"PYTHONPATH": _PYTHON, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "HOME": "/tmp"},  # noqa: S108
    )


def notebook_image(tracking: TrackingSettings) -> Image:
    """The workspace's image, git, Jupyter, and the entry point. The first layers are those of the workspace's image."""
    below = workspace_image(tracking)
    return replace(
        below,
        name=NOTEBOOK_IMAGE,
        version=VERSION,
        layers=(
            *below.layers,
            DebianPackages(("git",)),
            PythonPackages("components/notebooks/server/requirements.lock"),
            SourceTree(("components/notebooks/pod",)),
        ),
        command=("python3", "-m", "components.notebooks.pod.start"),
        env={
            **below.env,
            "HOME": HOME,
            "SHELL": "/bin/bash",
            "PATH": f"{_PYTHON}/bin:/usr/local/bin:/usr/bin:/bin",
            "JUPYTER_PATH": f"{_PYTHON}/share/jupyter",
            "JUPYTER_CONFIG_PATH": f"{_PYTHON}/etc/jupyter:{_PYTHON}/components/notebooks/pod/config",
            "JUPYTERLAB_DIR": f"{_PYTHON}/share/jupyter/lab",
            "JUPYTER_RUNTIME_DIR": "/tmp/jupyter",  # noqa: S108 - a folder of the container's own
        },
    )


def images(_: NotebooksSettings) -> tuple[Image, ...]:
    """Both."""
    return hub_image(), notebook_image(TrackingSettings())
