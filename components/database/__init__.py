"""PostgreSQL for the parts of the platform itself; workspaces get nothing of it."""

from typing import Any

from components.contract import Component, ObjectRef
from components.database.images import VERSION, images
from components.database.objects import NAME, ROLES, endpoint, objects, password_name
from components.database.settings import DatabaseSettings
from components.names import component_namespace


def _facts(_: DatabaseSettings) -> dict[str, Any]:
    return {"database": endpoint()}


def _ready(_: DatabaseSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "StatefulSet", component_namespace(NAME), NAME),)


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
