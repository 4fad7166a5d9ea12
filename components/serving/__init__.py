"""Model serving: an alias of a registered model becomes an endpoint behind the gateway (KServe)."""

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.serving.images import VERSION, images
from components.serving.names import NAME
from components.serving.objects import SERVER_NAME, UPSTREAM, objects
from components.serving.settings import ServingSettings
from components.serving.workspace import workspace_objects


def _ready(_: ServingSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Model endpoints behind the gateway (KServe)",
    settings=ServingSettings,
    requires=("tracking", "gateway"),
    optional=True,
    images=images,
    upstream=(UPSTREAM,),
    server_names=(SERVER_NAME,),
    objects=objects,
    workspace_objects=workspace_objects,
    ready=_ready,
)
