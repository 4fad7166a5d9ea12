"""Settings of notebooks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from components.contract import ComponentSettings
from components.quantities import Quantity


class Size(BaseModel):
    """What a server of this size may use at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: Annotated[float, Field(ge=0.1, le=256)]
    """Cores."""
    memory: Annotated[int, Field(ge=256)]
    """MiB."""


class NotebooksSettings(ComponentSettings):
    """JupyterHub, which starts people's notebook servers in their workspaces."""

    sizes: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")], Size], Field(min_length=1)] = {
        "small": Size(cpu=0.5, memory=1024),
        "medium": Size(cpu=1, memory=2048),
        "large": Size(cpu=2, memory=4096),
    }
    """Choices at the start of a server, the first is the default. What the workspace's quota has no room for is
    refused."""
    home: Quantity = "2Gi"
    """Size of a person's volume in a workspace."""
    idle_minutes: Annotated[int, Field(ge=5)] = 60
    """A server ends after this time without activity: of pages, kernels, terminals, processors and GPUs. Its files
    stay."""
    max_age_hours: Annotated[int, Field(ge=0)] = 0
    """A server ends after this time even where it is used; 0: never."""
    domain: Annotated[str, Field(pattern=r"^[a-z0-9.-]*$")] = ""
    """DNS domain, below which each server has a name; its wildcard must lead to the gateway. Empty: `nb.localhost` for
    a platform on this machine, else `notebooks.` and the platform's host name."""
    cluster_domain: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")] = "cluster.local"
    """DNS domain of the cluster."""
    memory: Quantity = "384Mi"
    """Memory limit of the hub; idle it takes about 150 MiB."""
