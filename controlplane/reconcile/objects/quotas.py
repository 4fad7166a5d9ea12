"""ResourceQuotas and the LimitRange of a workspace, in the canonical forms that the API server gives back."""

from __future__ import annotations

from typing import Any

from components.contract import KubernetesObject
from components.facts import PlatformFacts
from components.isolation.priorities import SERVING, SYSTEM_CLASSES
from components.quantities import format_bytes, format_cpu
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.common import namespaced

_MIB = 2**20
_GIB = 2**30

EPHEMERAL_PER_POD = 4 * _GIB
"""Scratch space on the node's disk that a workspace may use, for each pod of its quota."""

DEFAULT_LIMIT = {"cpu": 500, "memory": 512 * _MIB, "ephemeral-storage": _GIB}
DEFAULT_REQUEST = {"cpu": 100, "memory": 128 * _MIB, "ephemeral-storage": 256 * _MIB}
"""For containers that name none. Millicores and bytes; never above the workspace's own quota."""

MAX_RATIO = {"cpu": 20, "memory": 8}
"""Limit to request, at most: bounds how far a node can be oversold."""

OBJECT_COUNTS = {
    "count/configmaps": 200,
    "count/secrets": 100,
    "count/services": 50,
    "count/serviceaccounts": 20,
    "count/persistentvolumeclaims": 50,
    "count/jobs.batch": 500,
    "count/cronjobs.batch": 50,
    "count/deployments.apps": 50,
    "count/replicasets.apps": 500,
    "count/statefulsets.apps": 50,
    "count/horizontalpodautoscalers.autoscaling": 50,
    "count/inferenceservices.serving.kserve.io": 25,
    "count/servingruntimes.serving.kserve.io": 20,
    "count/inferencegraphs.serving.kserve.io": 0,
    "count/trainedmodels.serving.kserve.io": 0,
    "count/daemonsets.apps": 0,
    "count/replicationcontrollers": 0,
    "count/ingresses.networking.k8s.io": 0,
    "count/networkpolicies.networking.k8s.io": 30,
    "count/roles.rbac.authorization.k8s.io": 30,
    "count/rolebindings.rbac.authorization.k8s.io": 30,
    "count/trainjobs.trainer.kubeflow.org": 200,
    "count/trainingruntimes.trainer.kubeflow.org": 50,
    "count/jobsets.jobset.x-k8s.io": 200,
    "count/tfjobs.kubeflow.org": 200,
    "count/pytorchjobs.kubeflow.org": 200,
    "count/mpijobs.kubeflow.org": 200,
    "count/scheduledworkflows.kubeflow.org": 100,
    "count/leases.coordination.k8s.io": 100,
    "services.nodeports": 0,
    "services.loadbalancers": 0,
}
"""Bounds on what one workspace may put into etcd; 0 for what workspaces do not get at all."""


def quotas(spec: WorkspaceSpec, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Suspended: no new pod may start. Lowering a quota never ends what runs already."""
    quota = spec.quota
    cpu, memory, storage = format_cpu(quota.cpu), format_bytes(quota.memory), format_bytes(quota.storage)
    ephemeral = format_bytes(EPHEMERAL_PER_POD * quota.pods)
    pods = 0 if spec.suspended else quota.pods
    compute = {
        "requests.cpu": cpu, "limits.cpu": cpu, "requests.memory": memory, "limits.memory": memory,
        "requests.ephemeral-storage": ephemeral, "limits.ephemeral-storage": ephemeral, "pods": str(pods),
    }  # fmt: skip
    for gpu in sorted({*facts.gpu_classes, *quota.gpus}):
        compute[f"requests.{gpu}"] = str(quota.gpus.get(gpu, 0))
    # Finished pods stay until their Job goes: they cost etcd, not compute.
    counts = {name: str(count) for name, count in OBJECT_COUNTS.items()} | {"count/pods": str(4 * quota.pods + 50)}
    claims = {"requests.storage": storage, "persistentvolumeclaims": str(OBJECT_COUNTS["count/persistentvolumeclaims"])}
    claims[f"{facts.storage_class}.storageclass.storage.k8s.io/requests.storage"] = storage
    return (
        _quota(spec, "compute", compute),
        _quota(spec, "objects", counts),
        _quota(spec, "storage", claims),
        _quota(spec, "best-effort", {"pods": "0"}, scopes=["BestEffort"]),
        # A pod that repels other namespaces' pods can empty nodes of other tenants.
        _quota(spec, "cross-namespace-affinity", {"pods": "0"}, scopes=["CrossNamespacePodAffinity"]),
        _quota(spec, "priority-system", {"pods": "0"}, scopeSelector=_priorities(SYSTEM_CLASSES)),
        # Serving pods may displace others, so at most half of a workspace can be that.
        _quota(spec, "priority-serving", {"pods": str((pods + 1) // 2)}, scopeSelector=_priorities((SERVING,))),
    )


def limits(spec: WorkspaceSpec) -> KubernetesObject:
    """Defaults, without which a quota refuses every plain pod, and bounds of one container, pod and claim."""
    quota = spec.quota
    ceiling = {"cpu": quota.cpu, "memory": quota.memory, "ephemeral-storage": EPHEMERAL_PER_POD}
    floor = {"cpu": 1, "memory": _MIB}
    container = {
        "type": "Container",
        "default": _amounts({name: min(value, ceiling[name]) for name, value in DEFAULT_LIMIT.items()}),
        "defaultRequest": _amounts({name: min(value, ceiling[name]) for name, value in DEFAULT_REQUEST.items()}),
        "max": _amounts(ceiling),
        "maxLimitRequestRatio": {name: str(ratio) for name, ratio in MAX_RATIO.items()},
    }
    # A quota of zero leaves no room above the floor, and the API server wants min <= max.
    lowest = {name: value for name, value in floor.items() if value <= ceiling[name]}
    if lowest:
        container["min"] = _amounts(lowest)
    pod = {"type": "Pod", "max": _amounts(ceiling)}
    claim: dict[str, Any] = {"type": "PersistentVolumeClaim", "max": {"storage": format_bytes(quota.storage)}}
    if quota.storage >= _MIB:
        claim["min"] = {"storage": "1Mi"}
    return namespaced("v1", "LimitRange", spec.namespace, "defaults", spec={"limits": [container, pod, claim]})


def _quota(spec: WorkspaceSpec, name: str, hard: dict[str, str], **scope: Any) -> KubernetesObject:
    return namespaced("v1", "ResourceQuota", spec.namespace, name, spec={"hard": hard, **scope})


def _priorities(classes: tuple[str, ...]) -> dict[str, Any]:
    return {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": list(classes)}]}


def _amounts(values: dict[str, int]) -> dict[str, str]:
    return {name: format_cpu(value) if name == "cpu" else format_bytes(value) for name, value in values.items()}
