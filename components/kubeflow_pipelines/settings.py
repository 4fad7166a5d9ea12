"""Settings of Kubeflow Pipelines."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from components.contract import ComponentSettings
from components.kubeflow_pipelines.names import NAME, VERSION
from components.quantities import Quantity


class GivenImages(BaseModel):
    """Images that are given, since they come neither from Go modules nor from packages. Full references below
    `supply.registry`; `supply.archives` delivers them where nodes can pull from nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_server: str = ""
    persistence_agent: str = ""
    scheduled_workflow: str = ""
    """The controller of recurring runs."""
    driver: str = ""
    launcher: str = ""
    metadata_store: str = ""
    """ML Metadata's gRPC server, the version that the release names."""


class KubeflowPipelinesSettings(ComponentSettings):
    """An instance in each workspace that has the feature. Off unless it is switched on with its images."""

    images: GivenImages = GivenImages()
    storage: Quantity = "5Gi"
    """Size of the volume of an instance's database, in the quota of its workspace."""


def problems(settings: KubeflowPipelinesSettings, registry: str) -> tuple[str, ...]:
    """What is missing before the component can be switched on; `registry`: prefix that workspaces run images of."""
    found = []
    for name, reference in settings.images.model_dump().items():
        where = f"components.{NAME}.settings.images.{name}"
        if not reference:
            found.append(f"{where} is missing: name the image of release {VERSION} below {registry}")
        elif not reference.startswith(registry):
            found.append(f"{where} is {reference!r}; workspaces run images below {registry} only")
    return tuple(found)
