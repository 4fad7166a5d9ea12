"""Karpenter, its rights in the cluster, and the pools that it scales.

Its rights on AWS are a role of its own (infra/clusters/aws/scaling.py). It runs on nodes that it did not make: one that
it took away with itself on it would be the last.
"""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.autoscaling.names import NAME
from components.autoscaling.pools import NODE_CLASS_API, NODE_POOL_API, node_class, node_pool
from components.autoscaling.settings import AutoscalingSettings
from components.autoscaling.upstream import KINDS
from components.contract import Install, KubernetesObject
from components.managed import Managed, Scaling
from components.names import component_namespace

HEALTH_PORT, METRICS_PORT = 8081, 8080
LEASE = "karpenter-leader-election"
_NAMESPACE = component_namespace(NAME)
_RBAC = "rbac.authorization.k8s.io/v1"


def objects(settings: AutoscalingSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Raises ValueError where the cluster's program gives no pools to scale: then somebody else scales them."""
    managed = install.managed
    if managed is None or managed.scaling is None:
        raise ValueError("component autoscaling needs a cluster whose program leaves scaling to it: target aws")
    scaling = managed.scaling
    environment = _environment(scaling, managed)
    pod = _pod(environment, install)
    return (
        k8s.namespace(NAME),
        *install.upstream.get(KINDS.name, ()),
        k8s.service_account(NAME, managed=managed),
        *_rights(),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            NAME,
            egress=[
                k8s.to_dns(),
                *k8s.to_cloud(managed, install.facts.network),
                *k8s.to_api_server(install.facts.network.api_server_endpoints),
            ],
            pods=k8s.selector(NAME),
        ),
        *_budget(settings),
        k8s.deployment(NAME, k8s.pod_template(NAME, k8s.digest(environment), pod), replicas=settings.replicas),
        *(node_class(pool, scaling) for pool in scaling.pools),
        *(node_pool(pool, settings) for pool in scaling.pools),
    )


def _environment(scaling: Scaling, managed: Managed) -> dict[str, str]:
    region = {"AWS_REGION": managed.cloud.region} if managed.cloud.kind == "aws" else {}
    return {
        **region,
        "CLUSTER_NAME": scaling.cluster,
        "CLUSTER_ENDPOINT": scaling.endpoint,
        "INTERRUPTION_QUEUE": scaling.queue,
        "KARPENTER_SERVICE": NAME,
        "LEADER_ELECTION_NAME": LEASE,
        "LEADER_ELECTION_NAMESPACE": _NAMESPACE,
        "METRICS_PORT": str(METRICS_PORT),
        "HEALTH_PROBE_PORT": str(HEALTH_PORT),
    }


def _rights() -> tuple[KubernetesObject, ...]:
    """What Karpenter's makers ask for, without the kinds that are switched off here. Evicting pods anywhere and
    removing nodes is its work; it reads no Secret and no ConfigMap."""
    kinds, classes = NODE_POOL_API.partition("/")[0], NODE_CLASS_API.partition("/")[0]
    rules: list[dict[str, Any]] = [
        _rule(kinds, ["nodepools", "nodepools/status", "nodeclaims", "nodeclaims/status", "nodeoverlays"], _READ),
        _rule(kinds, ["nodeclaims", "nodeclaims/status"], ["create", "delete", "update", "patch"]),
        _rule(kinds, ["nodepools", "nodepools/status"], ["update", "patch"]),
        _rule(classes, ["ec2nodeclasses"], _READ),
        _rule(classes, ["ec2nodeclasses", "ec2nodeclasses/status"], ["update", "patch"]),
        _rule("", ["nodes", "pods", "persistentvolumes", "persistentvolumeclaims", "namespaces"], _READ),
        _rule("", ["replicationcontrollers"], _READ),
        _rule("storage.k8s.io", ["storageclasses", "csinodes", "volumeattachments"], _READ),
        _rule("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"], ["list", "watch"]),
        _rule("policy", ["poddisruptionbudgets"], _READ),
        _rule("", ["nodes"], ["patch", "delete", "update"]),
        _rule("", ["pods/eviction"], ["create"]),
        _rule("", ["pods"], ["delete"]),
        _rule("", ["events"], ["create", "patch"]),
    ]
    lease = k8s.obj(
        _RBAC,
        "Role",
        NAME,
        NAME,
        rules=[
            # A name can't be asked for on creation.
            _rule("coordination.k8s.io", ["leases"], ["create"]),
            {**_rule("coordination.k8s.io", ["leases"], ["get", "patch", "update"]), "resourceNames": [LEASE]},
        ],
    )
    dns = k8s.obj(
        _RBAC,
        "Role",
        NAME,
        f"mlp-{NAME}-dns",
        rules=[{**_rule("", ["services"], ["get"]), "resourceNames": ["kube-dns"]}],
    )
    dns["metadata"]["namespace"] = "kube-system"
    node_leases = k8s.obj(_RBAC, "Role", NAME, f"mlp-{NAME}", rules=[_rule("coordination.k8s.io", ["leases"], _READ)])
    node_leases["metadata"]["namespace"] = "kube-node-lease"
    roles = (lease, dns, node_leases)
    return (*k8s.cluster_role(NAME, NAME, rules), *roles, *map(_bound, roles))


_READ = ["get", "list", "watch"]


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _bound(role: KubernetesObject) -> KubernetesObject:
    name, namespace = role["metadata"]["name"], role["metadata"]["namespace"]
    binding = k8s.obj(
        _RBAC,
        "RoleBinding",
        NAME,
        name,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": _NAMESPACE}],
    )
    binding["metadata"]["namespace"] = namespace
    return binding


def _budget(settings: AutoscalingSettings) -> tuple[KubernetesObject, ...]:
    if settings.replicas < 2:
        return ()
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": k8s.selector(NAME)}}
    return (k8s.obj("policy/v1", "PodDisruptionBudget", NAME, NAME, spec=spec),)


def _pod(environment: dict[str, str], install: Install) -> dict[str, Any]:
    not_its_own = {"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}
    apart = {"labelSelector": {"matchLabels": k8s.selector(NAME)}, "topologyKey": "kubernetes.io/hostname"}

    def probe(path: str, **more: Any) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": HEALTH_PORT}, "timeoutSeconds": 30, **more}

    memory = {"resourceFieldRef": {"containerName": NAME, "resource": "limits.memory", "divisor": "0"}}
    container: dict[str, Any] = {
        "name": NAME,
        "image": install.images[NAME],
        "env": [
            *({"name": key, "value": value} for key, value in environment.items()),
            {"name": "MEMORY_LIMIT", "valueFrom": memory},
        ],
        "ports": [
            {"name": "http-metrics", "containerPort": METRICS_PORT},
            {"name": "http", "containerPort": HEALTH_PORT},
        ],
        "livenessProbe": probe("/healthz", initialDelaySeconds=30),
        "readinessProbe": probe("/readyz", initialDelaySeconds=5),
        "securityContext": k8s.container_security(),
        "resources": k8s.resources("100m", "256Mi", "1Gi"),
    }
    return {
        "automountServiceAccountToken": True,
        "priorityClassName": "system-cluster-critical",
        "securityContext": k8s.pod_security(),
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [not_its_own]}]
                }
            },
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": apart}]
            },
        },
        "containers": [container],
    }
