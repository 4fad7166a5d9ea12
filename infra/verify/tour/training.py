"""Training jobs as Kubeflow's documentation writes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.contract import KubernetesObject
from components.training.names import CPU_RUNTIME

_PODS = Path(__file__).parents[1] / "pods"
_RESOURCES = {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1536Mi"}}
"""Importing TensorFlow alone takes 750 MiB, which is more than what a container gets that asks for nothing."""


def script(name: str = "train_tensorflow") -> str:
    """Text of a program of infra/verify/pods."""
    return (_PODS / f"{name}.py").read_text("utf-8")


def tfjob(
    namespace: str,
    image: str,
    name: str = "train-together",
    *,
    program: str | None = None,
    workers: int = 2,
    env: Mapping[str, str] | None = None,
) -> KubernetesObject:
    """Workers that train one model together; the operator tells each in TF_CONFIG who the others are."""
    container = {
        "name": "tensorflow",
        "image": image,
        "command": ["python3", "-c", script() if program is None else program],
        "env": _env(env),
        "resources": _RESOURCES,
    }
    replica = {
        "replicas": workers,
        "restartPolicy": "OnFailure",
        "template": {"spec": {"containers": [container]}},
    }
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "TFJob",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"tfReplicaSpecs": {"Worker": replica}},
    }


def trainjob(
    namespace: str,
    name: str = "train",
    *,
    image: str = "",
    program: str | None = None,
    nodes: int = 1,
    runtime: str = CPU_RUNTIME,
    env: Mapping[str, str] | None = None,
) -> KubernetesObject:
    """What TrainerClient().train() of Kubeflow's SDK sends. `image`: other than the runtime's."""
    trainer: dict[str, Any] = {
        "command": ["python3", "-c", script() if program is None else program],
        "numNodes": nodes,
        "resourcesPerNode": _RESOURCES,
    }
    if image:
        trainer["image"] = image
    if env:
        # An empty list would be lost where Kueue rewrites the job, and the trainer must stay as it was.
        trainer["env"] = _env(env)
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"runtimeRef": {"name": runtime}, "trainer": trainer},
    }


def _env(values: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in (values or {}).items()]
