"""Settings of queueing."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.contract import ComponentSettings
from components.quantities import Quantity

Percent = Annotated[int, Field(ge=0, le=1000)]


class QueueingSettings(ComponentSettings):
    """Kueue: one queue of jobs a tenant, all in one cohort."""

    memory: Quantity = "256Mi"
    """Memory limit of the controller; idle it takes about 60 MiB."""
    borrowing: Percent = 0
    """What a tenant's jobs may take beyond its quota while others leave it unused, in percent of that quota. The quotas
    of its workspaces bound it all the same."""
    lending: Annotated[int, Field(ge=0, le=100)] = 100
    """What others may borrow of a tenant's unused quota, in percent."""
