"""Launchers of MPIJobs ask for less: the operator has their init container ask for more than a workspace gives."""

from __future__ import annotations

from components.admission import Completion, each_container, together
from components.training.names import NAME

_CONTAINER = "kubectl-delivery"
_SIZE = "'256Mi'"
"""What it needs: one copy of kubectl."""


def launcher_storage() -> Completion:
    """The operator writes 5 GiB of scratch space into the container that hands kubectl over; no setting says less."""
    lists = [
        each_container(
            "initContainers",
            f"c.name == '{_CONTAINER}' && has(c.resources) && has(c.resources.{kind})"
            f" && 'ephemeral-storage' in c.resources.{kind}",
            f"/resources/{kind}/ephemeral-storage",
            _SIZE,
        )
        for kind in ("requests", "limits")
    ]
    return Completion(NAME, "mlp-mpi-launcher", (together(lists),))
