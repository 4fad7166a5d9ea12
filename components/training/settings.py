"""Settings of training."""

from __future__ import annotations

from components.contract import ComponentSettings
from components.quantities import Quantity


class TrainingSettings(ComponentSettings):
    """Kubeflow Trainer, JobSet and Training Operator. A runtime whose image is not named is left out."""

    torch_image: str = ""
    """Image of the runtime `torch-distributed`: PyTorch with torchrun."""
    jax_image: str = ""
    """Image of the runtime `jax-distributed`."""
    deepspeed_image: str = ""
    """Image of the runtime `deepspeed-distributed`: OpenMPI and sshd, as user 1000 with home /home/mpiuser."""
    mpi_jobs: bool = True
    """Whether workspaces have MPIJobs. Their launchers run `kubectl exec`, so these pods reach the API server."""
    memory: Quantity = "512Mi"
    """Memory limit of each of the three controllers."""
