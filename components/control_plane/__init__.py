"""The control plane: API, console, worker, watcher and their queue."""

from typing import Any

from components.contract import Component, ObjectRef
from components.control_plane.images import VERSION, images
from components.control_plane.names import ADMIN_PASSWORD, NAME, QUEUE, QUEUE_PASSWORD, STORAGE_KEY
from components.control_plane.objects import objects
from components.control_plane.settings import ControlPlaneSettings
from components.names import SYSTEM_NAMESPACE


def _ready(_: ControlPlaneSettings) -> tuple[ObjectRef, ...]:
    return (
        ObjectRef("apps/v1", "StatefulSet", SYSTEM_NAMESPACE, QUEUE),
        *(ObjectRef("apps/v1", "Deployment", SYSTEM_NAMESPACE, f"{NAME}-{p}") for p in ("api", "worker", "watcher")),
    )


COMPONENT: Component[Any] = Component(
    name=NAME,
    version=VERSION,
    summary="Tenants and workspaces: API, console, worker, watcher",
    settings=ControlPlaneSettings,
    requires=("database", "storage", "gateway"),
    images=images,
    secrets=(ADMIN_PASSWORD, QUEUE_PASSWORD, STORAGE_KEY),
    objects=objects,
    ready=_ready,
)
