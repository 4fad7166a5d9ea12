"""Experiment tracking and the model registry: MLflow, where a workspace is a namespace and Kubernetes RBAC decides."""

from typing import Any

from components.contract import Component, ObjectRef
from components.names import component_namespace
from components.tracking.images import VERSION, images
from components.tracking.names import READER_SECRET
from components.tracking.objects import NAME, endpoint, objects
from components.tracking.settings import TrackingSettings
from components.tracking.workspace import workspace_objects


def _facts(_: TrackingSettings) -> dict[str, Any]:
    return {"tracking": endpoint()}


def _ready(_: TrackingSettings) -> tuple[ObjectRef, ...]:
    return (ObjectRef("apps/v1", "Deployment", component_namespace(NAME), NAME),)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Experiments, models and artifacts (MLflow)",
    settings=TrackingSettings,
    requires=("database", "storage"),
    images=images,
    secrets=(READER_SECRET,),
    facts=_facts,
    objects=objects,
    workspace_objects=workspace_objects,
    ready=_ready,
)
