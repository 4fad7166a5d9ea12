"""Local volumes made when a pod asks for one, by local-path-provisioner."""

from typing import Any

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.volumes.images import VERSION, images
from components.volumes.objects import NAME, STORAGE_CLASS, objects
from components.volumes.settings import VolumesSettings


def _ready(settings: VolumesSettings) -> tuple[ObjectRef, ...]:
    return () if settings.managed else (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


def _facts(settings: VolumesSettings) -> dict[str, Any]:
    return {} if settings.managed else {"storage_class": STORAGE_CLASS}


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Dynamic local volumes (local-path-provisioner)",
    settings=VolumesSettings,
    images=images,
    facts=_facts,
    objects=objects,
    ready=_ready,
)
