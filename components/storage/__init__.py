"""S3 with a user and a bucket per workspace. The control plane makes those through the admin API: README.md."""

from typing import Any

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.storage.images import VERSION, images
from components.storage.objects import (
    NAME,
    ROOT_SECRET,
    TRACKING_SECRET,
    admin_endpoint,
    endpoint,
    objects,
)
from components.storage.settings import StorageSettings
from components.storage.workspace import workspace_objects


def _facts(settings: StorageSettings) -> dict[str, Any]:
    if settings.managed:
        return {}
    return {"storage": endpoint(), "storage_admin": admin_endpoint(), "storage_region": settings.region}


def _ready(settings: StorageSettings) -> tuple[ObjectRef, ...]:
    return () if settings.managed else (ObjectRef("apps/v1", "StatefulSet", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Object storage with a bucket per workspace (S3 by versitygw)",
    settings=StorageSettings,
    images=images,
    secrets=(ROOT_SECRET, TRACKING_SECRET),
    facts=_facts,
    objects=objects,
    workspace_objects=workspace_objects,
    ready=_ready,
)
