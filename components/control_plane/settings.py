"""Settings of the control plane."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.contract import ComponentSettings
from components.quantities import Quantity


class ControlPlaneSettings(ComponentSettings):
    """API and console, worker, watcher, and the queue between them."""

    storage: Literal["s3", "gcp", "azure"] = "s3"
    """Whose object storage the image can talk to; set for targets that are clouds."""
    replicas: Annotated[int, Field(ge=1, le=10)] = 1
    """Of API and worker each; the watcher has one that leads, whatever its number."""
    memory: Quantity = "384Mi"
    """Memory limit of each process's pod; idle each takes 90 to 140 MiB."""
    api_threads: Annotated[int, Field(ge=4, le=64)] = 24
    """Requests that one API pod answers at the same time."""
    streams: Annotated[int, Field(ge=1, le=24)] = 8
    """Live streams of the API, and as many of the console, that are held at the same time; each takes a thread."""
    session_hours: Annotated[int, Field(ge=1, le=168)] = 12
    session_idle_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    queue_storage: Quantity = "256Mi"
    queue_memory: Quantity = "96Mi"
