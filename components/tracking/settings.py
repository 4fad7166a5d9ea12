"""Settings of experiment tracking."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.contract import ComponentSettings
from components.quantities import Quantity


class TrackingSettings(ComponentSettings):
    """MLflow for all workspaces in one process."""

    artifacts: Literal["s3", "gcp", "azure"] = "s3"
    """Object storage that the images can talk to; set for targets that are clouds."""
    memory: Quantity = "1536Mi"
    """Memory limit of the server; idle it takes about 300 MiB."""
    decision_seconds: Annotated[int, Field(ge=1, le=300)] = 3
    """How long a decision of Kubernetes about a caller is remembered: removing a member acts after this time."""
    connections: Annotated[int, Field(ge=4, le=60)] = 20
    """Connections to the database at most."""
