"""An experiment as Katib's documentation writes one: trials are jobs that print their metric. Pure."""

from __future__ import annotations

import shlex

from components.contract import KubernetesObject
from infra.verify.tour.training import script

_RESOURCES = {"requests": {"cpu": "100m", "memory": "384Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


def experiment(namespace: str, image: str, name: str = "tune", *, trials: int = 3) -> KubernetesObject:
    """A random search over one parameter, two trials at a time. Every trial logs a run with its model."""
    container = {
        "name": "training",
        "image": image,
        # Katib hands the words of a command to a shell.
        "command": ["python3", "-c", shlex.quote(script("train_trial")), "${trialParameters.strength}"],
        "resources": _RESOURCES,
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {"backoffLimit": 1, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "objective": {"type": "maximize", "objectiveMetricName": "accuracy"},
            "algorithm": {"algorithmName": "random"},
            "parallelTrialCount": 2,
            "maxTrialCount": trials,
            "maxFailedTrialCount": 1,
            "parameters": [
                {"name": "strength", "parameterType": "double", "feasibleSpace": {"min": "0.01", "max": "2.0"}}
            ],
            "trialTemplate": {
                "primaryContainerName": "training",
                "trialParameters": [{"name": "strength", "reference": "strength"}],
                "trialSpec": job,
            },
        },
    }
