"""Settings of pipelines."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.contract import ComponentSettings
from components.quantities import Quantity


class PipelinesSettings(ComponentSettings):
    """Argo Workflows: one controller for all workspaces."""

    memory: Quantity = "384Mi"
    """Memory limit of the controller; idle it takes about 60 MiB."""
    keep_days: Annotated[int, Field(ge=1, le=365)] = 14
    """Finished workflows are removed after this time; what they stored stays in the bucket."""
    parallelism: Annotated[int, Field(ge=1)] = 20
    """Workflows of one workspace that run at a time; more wait."""
