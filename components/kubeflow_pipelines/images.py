"""Images that are made here: the database of instances, and what steps written in Python run. Others are given
(settings.py)."""

from __future__ import annotations

from dataclasses import replace

from components.images import DebianPackages, Image, PythonPackages
from components.kubeflow_pipelines.names import VERSION
from components.kubeflow_pipelines.settings import KubeflowPipelinesSettings
from components.tracking.images import plugin_layers, python_layer, workspace_image
from components.tracking.settings import TrackingSettings

DATABASE_IMAGE = "kubeflow-database"
STEP_IMAGE = "kubeflow-step"


def step_image(tracking: TrackingSettings) -> Image:
    """The workspace's image with the part of the SDK by which a step runs its function."""
    return replace(
        workspace_image(tracking),
        name=STEP_IMAGE,
        version=VERSION,
        layers=(
            python_layer(tracking),
            PythonPackages("components/kubeflow_pipelines/requirements.lock"),
            *plugin_layers(),
        ),
    )


def images(_: KubeflowPipelinesSettings) -> tuple[Image, ...]:
    """MariaDB, since release 2.17 knows PostgreSQL by name and then speaks MySQL's dialect to it."""
    database = Image(
        name=DATABASE_IMAGE,
        version="1",
        layers=(DebianPackages(("mariadb-server-core", "mariadb-client-core")),),
        command=("/usr/sbin/mariadbd",),
    )
    return (database, step_image(TrackingSettings()))
