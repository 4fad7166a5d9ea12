"""Fair queues at the API server: one busy workspace slows itself down, not the platform nor its neighbours."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.names import PERSON_USER, SYSTEM_NAMESPACE, component_namespace

_COMPONENT = "isolation"
_API = "flowcontrol.apiserver.k8s.io/v1"

PLATFORM_COMPONENTS = (
    "network", "volumes", "database", "storage", "tracking", "gateway", "queueing", "pipelines", "training", "tuning",
    "serving", "notebooks",
)  # fmt: skip
"""Components whose service accounts may talk to the API server as part of the platform."""


def flow_control() -> tuple[KubernetesObject, ...]:
    """Two priority levels. Shares compare with the built-in ones: system 30, workload-high 40, workload-low 100."""
    namespaces = (SYSTEM_NAMESPACE, *(component_namespace(name) for name in PLATFORM_COMPONENTS))
    platform = [
        {"kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": namespace}} for namespace in namespaces
    ]
    # Built-in schemas for the cluster's own accounts come before 8500, the one for all other accounts at 9000.
    everyone = [
        {"kind": "Group", "group": {"name": "system:serviceaccounts"}},
        {"kind": "User", "user": {"name": PERSON_USER}},
    ]
    return (
        _level("mlp-platform", shares=40, queues=32),
        _level("mlp-workspaces", shares=60, queues=128),
        _schema("mlp-platform", 1500, "ByUser", platform),
        _schema("mlp-workspaces", 8500, "ByNamespace", everyone),
    )


def _level(name: str, *, shares: int, queues: int) -> KubernetesObject:
    queuing = {"queues": queues, "handSize": 6, "queueLengthLimit": 50}
    limited = {
        "nominalConcurrencyShares": shares,
        "lendablePercent": 50,
        "limitResponse": {"type": "Queue", "queuing": queuing},
    }
    return _object("PriorityLevelConfiguration", name, {"type": "Limited", "limited": limited})


def _schema(name: str, precedence: int, distinguisher: str, subjects: list[dict[str, Any]]) -> KubernetesObject:
    resource_rules = [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    ]
    spec = {
        "priorityLevelConfiguration": {"name": name},
        "matchingPrecedence": precedence,
        "distinguisherMethod": {"type": distinguisher},
        "rules": [{"subjects": subjects, "resourceRules": resource_rules}],
    }
    return _object("FlowSchema", name, spec)


def _object(kind: str, name: str, spec: dict[str, Any]) -> KubernetesObject:
    return k8s.obj(_API, kind, _COMPONENT, name, namespaced=False, spec=spec)
