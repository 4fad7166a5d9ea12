"""PostgreSQL for the parts of the platform itself; workspaces get nothing of it."""

from typing import Any

from components.contract import Component, ObjectRef
from components.database.images import VERSION, images
from components.database.names import NAME, ROLES, password_name
from components.database.objects import endpoint, objects
from components.database.settings import DatabaseSettings
from components.names import component_namespace


def _facts(settings: DatabaseSettings) -> dict[str, Any]:
    return {} if settings.managed else {"database": endpoint()}


def _ready(settings: DatabaseSettings) -> tuple[ObjectRef, ...]:
    return () if settings.managed else (ObjectRef("apps/v1", "StatefulSet", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Database of the platform (PostgreSQL)",
    settings=DatabaseSettings,
    images=images,
    secrets=tuple(password_name(role) for role in ROLES),
    facts=_facts,
    objects=objects,
    ready=_ready,
)
