"""ClusterTrainingRuntimes: the templates that a TrainJob names, as data.

Each has one replicated job `node` with one container `node`, which is what Trainer and its SDK look for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.training.names import CPU_RUNTIME, NAME
from components.training.rbac import TRAINER_GROUP
from components.training.settings import TrainingSettings

_FRAMEWORK = f"{TRAINER_GROUP}/framework"
_ANCESTOR = f"{TRAINER_GROUP}/trainjob-ancestor-step"
_MPI_USER = 1000
_MPI_HOME = "/home/mpiuser"


def runtimes(settings: TrainingSettings, training_image: str) -> tuple[KubernetesObject, ...]:
    """Those whose image is known."""
    found = [_runtime(CPU_RUNTIME, "tensorflow", {}, [_job(training_image, **_SCRATCH, resources=_CPU)])]
    if settings.torch_image:
        found.append(_runtime("torch-distributed", "torch", {"torch": {}}, [_job(settings.torch_image, **_SCRATCH)]))
    if settings.jax_image:
        found.append(_runtime("jax-distributed", "jax", {"jax": {}}, [_job(settings.jax_image, **_SCRATCH)]))
    if settings.deepspeed_image:
        found.append(_deepspeed(settings.deepspeed_image))
    return tuple(found)


_SCRATCH: dict[str, Any] = {"workingDir": "/tmp"}  # noqa: S108 - inside the pod
"""Kubeflow's SDK writes the program where it starts, and a pod is not root: most images start in a folder of root's."""

_CPU = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}}
"""Importing TensorFlow alone takes 750 MiB."""


def _runtime(
    name: str, framework: str, policy: Mapping[str, Any], jobs: list[dict[str, Any]], **template: Any
) -> KubernetesObject:
    made = k8s.obj(
        f"{TRAINER_GROUP}/v1alpha1", "ClusterTrainingRuntime", NAME, name, namespaced=False,
        spec={"mlPolicy": {"numNodes": 1, **policy}, "template": {"spec": {"replicatedJobs": jobs, **template}}},
    )  # fmt: skip
    made["metadata"]["labels"][_FRAMEWORK] = framework
    return made


def _job(image: str, name: str = "node", *, trainer: bool = True, **container: Any) -> dict[str, Any]:
    """A replicated job. `trainer`: what a TrainJob says of its trainer goes here."""
    template: dict[str, Any] = {
        "spec": {"template": {"spec": {"containers": [{"name": "node", "image": image, **container}]}}}
    }
    if trainer:
        template["metadata"] = {"labels": {_ANCESTOR: "trainer"}}
    return {"name": name, "template": template}


def _deepspeed(image: str) -> KubernetesObject:
    """A launcher that is a node too, and nodes that wait for it behind sshd."""
    user: dict[str, Any] = {"securityContext": {"runAsUser": _MPI_USER}}
    mpi = {
        "numProcPerNode": 1,
        "mpiImplementation": "OpenMPI",
        "sshAuthMountPath": f"{_MPI_HOME}/.ssh",
        "runLauncherAsNode": True,
    }
    waiting: dict[str, Any] = {
        "command": ["/usr/sbin/sshd"],
        "args": ["-De", "-f", f"{_MPI_HOME}/.sshd_config"],
        "readinessProbe": {"tcpSocket": {"port": 2222}, "initialDelaySeconds": 5},
    }
    return _runtime(
        "deepspeed-distributed",
        "deepspeed",
        {"mpi": mpi},
        [_job(image, "launcher", **user), _job(image, trainer=False, **user, **waiting)],
        network={"publishNotReadyAddresses": True},
        successPolicy={"operator": "All", "targetReplicatedJobs": ["launcher"]},
    )
