"""Settings of the database."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.contract import ComponentSettings
from components.quantities import Quantity


class DatabaseSettings(ComponentSettings):
    """One PostgreSQL server with one database and one role for each part of the platform."""

    managed: bool = False
    """The cloud runs the server (set for targets that are clouds); only its roles and databases are made here."""
    storage: Quantity = "8Gi"
    """Size of its volume; classes that cannot grow volumes keep the first size."""
    memory: Quantity = "512Mi"
    """Memory limit of the server."""
    shared_buffers_mb: Annotated[int, Field(ge=16)] = 96
    """Page cache in MB; a quarter of `memory` is usual."""
    max_connections: Annotated[int, Field(ge=40, le=1000)] = 100
    """Connections of all clients together; each costs some MB while it is used."""
