"""Settings of tuning."""

from __future__ import annotations

from components.contract import ComponentSettings
from components.quantities import Quantity


class TuningSettings(ComponentSettings):
    """Katib: hyperparameter search for all workspaces."""

    memory: Quantity = "256Mi"
    """Memory limit of the controller; idle it takes about 40 MiB."""
    manager_memory: Quantity = "128Mi"
    """Memory limit of the keeper of observations."""
