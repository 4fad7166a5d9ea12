"""Training jobs: TrainJob by Kubeflow Trainer and JobSet; TFJob, PyTorchJob and MPIJob by Training Operator."""

from typing import Any

from components.contract import Component, ObjectRef
from components.training.images import VERSION, images
from components.training.names import CONTROLLERS, NAME, NAMESPACE
from components.training.objects import SERVER_NAMES, UPSTREAM, objects
from components.training.settings import TrainingSettings
from components.training.workspace import workspace_objects


def _facts(settings: TrainingSettings) -> dict[str, Any]:
    return {"mpi_jobs": settings.mpi_jobs}


def _named(settings: TrainingSettings) -> tuple[str, ...]:
    return tuple(filter(None, (settings.torch_image, settings.jax_image, settings.deepspeed_image)))


def _ready(_: TrainingSettings) -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef("apps/v1", "Deployment", NAMESPACE, name) for name in CONTROLLERS)


COMPONENT = Component(
    name=NAME,
    version=VERSION,
    summary="Training jobs (Kubeflow Trainer, TFJob, PyTorchJob, MPIJob)",
    settings=TrainingSettings,
    requires=("isolation",),
    named_images=_named,
    images=images,
    facts=_facts,
    upstream=UPSTREAM,
    server_names=SERVER_NAMES,
    objects=objects,
    workspace_objects=workspace_objects,
    ready=_ready,
)
