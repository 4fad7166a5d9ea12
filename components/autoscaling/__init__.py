"""Nodes that come when pods find no room and go when they are empty, by Karpenter."""

from components.autoscaling.images import VERSION, images
from components.autoscaling.names import NAME
from components.autoscaling.objects import objects
from components.autoscaling.settings import AutoscalingSettings
from components.autoscaling.upstream import KINDS
from components.contract import Component, ObjectRef
from components.names import component_namespace


def _ready(_: AutoscalingSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Nodes on demand (Karpenter), on AWS",
    settings=AutoscalingSettings,
    images=images,
    upstream=(KINDS,),
    objects=objects,
    ready=_ready,
)
