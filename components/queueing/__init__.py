"""Queues of jobs: every tenant has one, all share what is left unused (Kueue)."""

from typing import Any

from components.contract import Component, ObjectRef
from components.facts import Queueing
from components.names import component_namespace
from components.queueing.images import VERSION, images
from components.queueing.names import NAME
from components.queueing.objects import SERVER_NAME, UPSTREAM, objects
from components.queueing.settings import QueueingSettings
from components.queueing.tenants import tenant_objects


def _facts(settings: QueueingSettings) -> dict[str, Any]:
    return {"queueing": Queueing(borrowing=settings.borrowing, lending=settings.lending)}


def _ready(_: QueueingSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Queues of jobs within each tenant's quota (Kueue)",
    settings=QueueingSettings,
    optional=True,
    images=images,
    facts=_facts,
    upstream=(UPSTREAM,),
    server_names=(SERVER_NAME,),
    objects=objects,
    tenant_objects=tenant_objects,
    ready=_ready,
)
