"""PriorityClasses that workspaces may name, and those they may not."""

from __future__ import annotations

from components.contract import KubernetesObject
from components.kubernetes import labels

INTERACTIVE = "mlp-interactive"
BATCH = "mlp-batch"
SERVING = "mlp-serving"

CLASSES = (INTERACTIVE, BATCH, SERVING)
SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")


def priority_classes() -> tuple[KubernetesObject, ...]:
    """None is the cluster's default: a cluster that was there before may have one, and a second is refused.

    Pods without a class have priority 0 and yield to all three.
    """
    return (
        _class(BATCH, 100, "Never", "Jobs and training: waits for room, gives way to the other two."),
        _class(INTERACTIVE, 1000, "Never", "Notebooks: placed before jobs, displaces nothing."),
        _class(SERVING, 10_000, "PreemptLowerPriority", "Endpoints in use: may displace jobs and notebooks."),
    )


def _class(name: str, value: int, preemption: str, description: str) -> KubernetesObject:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name, "labels": labels("isolation")},
        "value": value,
        "globalDefault": False,
        "preemptionPolicy": preemption,
        "description": description,
    }
