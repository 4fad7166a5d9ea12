"""Settings of model serving."""

from __future__ import annotations

from components.contract import ComponentSettings
from components.quantities import Quantity


class ServingSettings(ComponentSettings):
    """KServe in standard mode: an endpoint is a Deployment with a Service."""

    memory: Quantity = "384Mi"
    """Memory limit of KServe's controller; idle it takes about 75 MiB."""
    endpoint_cpu: Quantity = "1"
    """Processor limit of an endpoint's pod that names none."""
    endpoint_memory: Quantity = "1Gi"
    """Memory limit of an endpoint's pod that names none; a small scikit-learn model takes about 350 MiB."""
