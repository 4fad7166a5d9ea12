"""Pipelines: steps in containers, schedules, artifacts in the workspace's bucket (Argo Workflows)."""

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.pipelines.images import VERSION, images
from components.pipelines.names import NAME
from components.pipelines.objects import UPSTREAM, objects
from components.pipelines.settings import PipelinesSettings
from components.pipelines.workspace import workspace_objects


def _ready(_: PipelinesSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Pipelines and schedules (Argo Workflows)",
    settings=PipelinesSettings,
    requires=("storage",),
    optional=True,
    images=images,
    upstream=(UPSTREAM,),
    objects=objects,
    workspace_objects=workspace_objects,
    ready=_ready,
)
