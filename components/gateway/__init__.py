"""The one entrance of the platform: TLS, who calls, which part answers."""

from typing import Any

from components.contract import Component, ObjectRef
from components.gateway.images import VERSION, images
from components.gateway.names import HOP_SECRET, NAME, NOTEBOOKS_HOP_SECRET, TRACKING_HOP_SECRET
from components.gateway.objects import endpoint, objects
from components.gateway.settings import GatewaySettings
from components.names import component_namespace


def _facts(_: GatewaySettings) -> dict[str, Any]:
    return {"gateway": endpoint()}


def _ready(_: GatewaySettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="One entrance with TLS for console, API and MLflow (nginx)",
    settings=GatewaySettings,
    images=images,
    secrets=(HOP_SECRET, TRACKING_HOP_SECRET, NOTEBOOKS_HOP_SECRET),
    facts=_facts,
    objects=objects,
    ready=_ready,
)
