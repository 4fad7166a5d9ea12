"""Kubeflow Pipelines: an instance of its own in each workspace that wants one (docs/adr/0013-kubeflow-pipelines.md)."""

from typing import Any

from components.contract import Component
from components.facts import KubeflowPipelines
from components.kubeflow_pipelines.images import images
from components.kubeflow_pipelines.names import NAME, VERSION
from components.kubeflow_pipelines.objects import objects
from components.kubeflow_pipelines.settings import KubeflowPipelinesSettings, problems
from components.kubeflow_pipelines.workspace import workspace_objects


def _facts(settings: KubeflowPipelinesSettings) -> dict[str, Any]:
    return {"kubeflow_pipelines": KubeflowPipelines(**settings.images.model_dump(), storage=settings.storage)}


def _named(settings: KubeflowPipelinesSettings) -> tuple[str, ...]:
    return tuple(filter(None, settings.images.model_dump().values()))


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Kubeflow Pipelines, an instance for each workspace that asks for one (about 1 GiB of its quota)",
    settings=KubeflowPipelinesSettings,
    requires=("pipelines", "storage"),
    optional=True,
    by_default=False,
    feature=True,
    problems=problems,
    named_images=_named,
    images=images,
    facts=_facts,
    objects=objects,
    workspace_objects=workspace_objects,
)
