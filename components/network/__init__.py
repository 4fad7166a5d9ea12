"""Pod network: routes between nodes and NetworkPolicy, by kube-router."""

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.network.images import VERSION, images
from components.network.objects import NAME, objects
from components.network.settings import NetworkSettings


def _ready(_: NetworkSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "DaemonSet", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Pod network and NetworkPolicy (kube-router)",
    settings=NetworkSettings,
    images=images,
    objects=objects,
    ready=_ready,
)
