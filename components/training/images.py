"""Images of the three controllers, and the one that jobs run unless their author names another."""

from __future__ import annotations

from dataclasses import replace

from components.images import GoBinary, Image, PythonPackages
from components.tracking.images import plugin_layers, python_layer, workspace_image
from components.tracking.settings import TrackingSettings
from components.training.names import JOBSET, OPERATOR, TRAINER, TRAINING_IMAGE
from components.training.settings import TrainingSettings

VERSION = "2.2.0"
"""Trainer's version."""
_OPERATOR_VERSION = "1.9.0"
_JOBSET_VERSION = "0.11.1"
_TENSORFLOW_VERSION = "2.21.0"

DELIVERY_IMAGE = "kubectl-delivery"
"""Hands kubectl to the launcher of an MPIJob."""

# For compiling against TensorFlow, which images do not do: a quarter of its size.
_WITHOUT = ("tensorflow/include", "tensorflow/xla_aot_runtime_src")


def training_image(tracking: TrackingSettings) -> Image:
    """The workspace's image with TensorFlow. What is large comes first and is the same as in other images."""
    below = workspace_image(tracking)
    return replace(
        below,
        name=TRAINING_IMAGE,
        version=_TENSORFLOW_VERSION,
        layers=(
            python_layer(tracking),
            PythonPackages("components/training/requirements.lock", _WITHOUT),
            *plugin_layers(),
        ),
        env={**below.env, "TF_CPP_MIN_LOG_LEVEL": "1"},
    )


def _controller(name: str, version: str, tool: str) -> Image:
    layers = (GoBinary(tool),)
    return Image(name=name, version=version, layers=layers, base="scratch", entrypoint=(f"/usr/local/bin/{tool}",))


def images(settings: TrainingSettings) -> tuple[Image, ...]:
    """The training image's first layer is that of the tracking server."""
    delivery = Image(name=DELIVERY_IMAGE, version=_OPERATOR_VERSION, layers=(GoBinary("kubectl"),), command=_DELIVER)
    return (
        _controller(OPERATOR, _OPERATOR_VERSION, "training-operator"),
        _controller(TRAINER, VERSION, "trainer-controller-manager"),
        _controller(JOBSET, _JOBSET_VERSION, "jobset-controller"),
        training_image(TrackingSettings()),
        *((delivery,) if settings.mpi_jobs else ()),
    )


_DELIVER = ("cp", "/usr/local/bin/kubectl", "/opt/kube/kubectl")
"""The operator names the image only; it expects that what the image runs leaves kubectl in this folder."""
