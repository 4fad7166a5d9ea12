"""Settings of the object storage."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.contract import ComponentSettings
from components.quantities import Quantity


class StorageSettings(ComponentSettings):
    """An S3 server on one volume, with a user and a bucket for every workspace."""

    managed: bool = False
    """The cloud keeps objects (set for targets that are clouds); nothing runs here, and workspaces get its buckets."""
    size: Quantity = "20Gi"
    """Size of its volume; classes that cannot grow volumes keep the first size."""
    memory: Quantity = "512Mi"
    """Memory limit of the server."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = "us-east-1"
    """Region that clients sign for."""
    max_connections: Annotated[int, Field(ge=100)] = 2000
    """Connections of all workspaces together."""
