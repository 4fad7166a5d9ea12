"""Notebooks: JupyterHub starts people's servers in their workspaces."""

from typing import Any

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.notebooks.images import VERSION, images
from components.notebooks.names import COOKIE_SECRET, NAME, PEOPLE_SECRET
from components.notebooks.objects import endpoint, objects
from components.notebooks.settings import NotebooksSettings
from components.notebooks.workspace import workspace_objects


def _facts(_: NotebooksSettings) -> dict[str, Any]:
    return {"notebooks": endpoint()}


def _ready(_: NotebooksSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Notebook servers in workspaces (JupyterHub)",
    settings=NotebooksSettings,
    requires=("database", "gateway", "tracking"),
    images=images,
    secrets=(PEOPLE_SECRET, COOKIE_SECRET),
    facts=_facts,
    objects=objects,
    workspace_objects=workspace_objects,
    ready=_ready,
)
