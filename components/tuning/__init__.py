"""Tuning: search for hyperparameters, each trial a job in the queue (Katib)."""

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.tuning.images import VERSION, images
from components.tuning.names import MANAGER, NAME
from components.tuning.objects import SERVER_NAME, UPSTREAM, objects
from components.tuning.settings import TuningSettings
from components.tuning.workspace import workspace_objects


def _ready(_: TuningSettings) -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef("apps/v1", "Deployment", component_namespace(NAME), name) for name in (NAME, MANAGER))


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Search for hyperparameters (Katib)",
    settings=TuningSettings,
    requires=("database",),
    after=("training",),
    optional=True,
    images=images,
    upstream=(UPSTREAM,),
    server_names=(SERVER_NAME,),
    objects=objects,
    workspace_objects=workspace_objects,
    ready=_ready,
)
