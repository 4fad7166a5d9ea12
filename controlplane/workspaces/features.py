"""Which features workspaces of this installation can have."""

from __future__ import annotations

from collections.abc import Collection

from components import catalog
from components.facts import PlatformFacts
from components.kubeflow_pipelines.names import NAME as PIPELINES
from components.kubeflow_pipelines.names import PATH
from controlplane.workspaces.model import OfferedFeature, OwnPipelines


def offered(facts: PlatformFacts) -> tuple[OfferedFeature, ...]:
    """Those of the installed components that are features, by name."""
    found = sorted(catalog.features(facts.components), key=lambda component: component.name)
    return tuple(OfferedFeature(name=component.name, summary=component.summary) for component in found)


def own_pipelines(features: Collection[str], namespace: str, facts: PlatformFacts) -> OwnPipelines | None:
    """How a workspace's own Kubeflow Pipelines are reached; None where it has none."""
    if PIPELINES not in features or facts.kubeflow_pipelines is None:
        return None
    return OwnPipelines(url=f"{facts.public_url}{PATH}/{namespace}", image=facts.kubeflow_step_image)
