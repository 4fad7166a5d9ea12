"""Images of the tracking server and of pods in workspaces. They share the base and the Python layer."""

from __future__ import annotations

from components.images import Image, Layer, PythonPackages, SourceTree, TextFile
from components.tracking.settings import TrackingSettings

VERSION = "3.17.2"
"""MLflow's version, as in requirements.lock."""
TRACKING_IMAGE = "tracking"
WORKSPACE_IMAGE_NAME = "workspace"

_ENV = {"PYTHONPATH": "/opt/python", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
CLIENT_ENV = {**_ENV, "HOME": "/tmp", "MPLCONFIGDIR": "/tmp"}  # noqa: S108 - folders of the container's own
"""Of images that have `plugin_layers`."""
ENTRY_POINTS = """[mlflow.request_auth_provider]
mlp = components.tracking.client.auth:WorkloadAuthProvider
[mlflow.run_context_provider]
mlp = components.tracking.client.context:OriginContext
[mlflow.project_backend]
mlp = components.tracking.client.backend:ClusterBackend
"""
"""By these MLflow finds our plugins."""
_DIST_INFO = "/opt/python/mlp_workload-1.dist-info"


def python_layer(settings: TrackingSettings) -> PythonPackages:
    """MLflow and common libraries. Equal in every image that has it, so stored once."""
    folder = "" if settings.artifacts == "s3" else f"/{settings.artifacts}"
    return PythonPackages(f"components/tracking{folder}/requirements.lock")


def plugin_layers() -> tuple[Layer, ...]:
    """What makes MLflow's client one of a workspace's pods."""
    return (
        SourceTree(("components/tracking/client",)),
        TextFile(f"{_DIST_INFO}/METADATA", "Metadata-Version: 2.1\nName: mlp-workload\nVersion: 1\n"),
        TextFile(f"{_DIST_INFO}/entry_points.txt", ENTRY_POINTS),
    )


def workspace_image(settings: TrackingSettings) -> Image:
    """What a workspace's pods run unless their author brings an image: Python, MLflow's client, common libraries."""
    return Image(
        name=WORKSPACE_IMAGE_NAME,
        version="1",
        layers=(python_layer(settings), *plugin_layers()),
        command=("python3",),
        env=CLIENT_ENV,
    )


def images(settings: TrackingSettings) -> tuple[Image, ...]:
    """Both, since the workspace's image comes with the MLflow that the server has."""
    return (
        Image(
            name=TRACKING_IMAGE,
            version=VERSION,
            layers=(python_layer(settings), SourceTree(("components/tracking/server",))),
            command=("python3", "-m", "uvicorn", "--factory", "components.tracking.server.app:create"),
            env=_ENV,
        ),
        workspace_image(settings),
    )
