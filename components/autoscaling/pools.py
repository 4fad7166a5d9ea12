"""A pool of the cloud → Karpenter's NodePool and EC2NodeClass. Pure.

Nodes are what the cloud's own groups of nodes are: Bottlerocket, encrypted disks, metadata out of pods' reach.
"""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.autoscaling.names import NAME
from components.autoscaling.settings import AutoscalingSettings
from components.contract import KubernetesObject
from components.managed import ScaledPool, Scaling

NODE_CLASS_API = "karpenter.k8s.aws/v1"
NODE_POOL_API = "karpenter.sh/v1"
NEVER_MOVED = "karpenter.sh/do-not-disrupt"
"""Annotation of pods that only their own end takes off a node."""

_SYSTEM_DISK_GIB = 4


def node_class(pool: ScaledPool, scaling: Scaling) -> KubernetesObject:
    """How the pool's machines are made."""
    disk = {"encrypted": True, "volumeType": "gp3", "deleteOnTermination": True}
    return k8s.obj(
        NODE_CLASS_API,
        "EC2NodeClass",
        NAME,
        pool.name,
        namespaced=False,
        spec={
            "amiSelectorTerms": [{"alias": "bottlerocket@latest"}],
            "instanceProfile": scaling.instance_profile,
            "subnetSelectorTerms": [{"id": subnet} for subnet in scaling.subnets],
            "securityGroupSelectorTerms": [{"id": scaling.security_group}],
            "associatePublicIPAddress": False,
            "metadataOptions": {
                "httpEndpoint": "enabled",
                "httpProtocolIPv6": "disabled",
                "httpTokens": "required",
                "httpPutResponseHopLimit": 1,
            },
            # Bottlerocket's system, and its disk for images and containers.
            "blockDeviceMappings": [
                {"deviceName": "/dev/xvda", "ebs": {**disk, "volumeSize": f"{_SYSTEM_DISK_GIB}Gi"}},
                {"deviceName": "/dev/xvdb", "ebs": {**disk, "volumeSize": f"{pool.disk_gib}Gi"}},
            ],
            "tags": {**scaling.tags, "Name": f"{scaling.cluster}-{pool.name}"},
        },
    )


def node_pool(pool: ScaledPool, settings: AutoscalingSettings) -> KubernetesObject:
    """Which pods its nodes are for, how many there may be, and when they go."""
    return k8s.obj(
        NODE_POOL_API,
        "NodePool",
        NAME,
        pool.name,
        namespaced=False,
        spec={
            # What fits several pools goes to those of workspaces first; a pool of a higher weight is tried before.
            "weight": 10 if pool.purpose == "system" else 20,
            "limits": _limits(pool),
            "disruption": _disruption(pool, settings),
            "template": {
                "metadata": {"labels": dict(pool.labels)},
                "spec": {
                    "nodeClassRef": {
                        "group": NODE_CLASS_API.partition("/")[0],
                        "kind": "EC2NodeClass",
                        "name": pool.name,
                    },
                    "requirements": [
                        _one_of("node.kubernetes.io/instance-type", pool.machine),
                        _one_of("karpenter.sh/capacity-type", "spot" if pool.spot else "on-demand"),
                        _one_of("kubernetes.io/arch", "amd64"),
                        _one_of("kubernetes.io/os", "linux"),
                    ],
                    "taints": [
                        {"key": key, "value": value, "effect": "NoSchedule"} for key, value in pool.taints.items()
                    ],
                    "expireAfter": f"{settings.node_days * 24}h",
                },
            },
        },
    )


def _one_of(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}


def _limits(pool: ScaledPool) -> dict[str, str]:
    """Karpenter counts `nodes` only between two rounds, so one round with many pods could pass it; it counts processors
    within a round too."""
    cpus = {"cpu": str(pool.most * pool.cpus)} if pool.cpus else {}
    return {"nodes": str(pool.most), **cpus}


def _disruption(pool: ScaledPool, settings: AutoscalingSettings) -> dict[str, Any]:
    """The platform's own pods may be moved to fewer nodes; those of workspaces are left alone."""
    idle = {"consolidateAfter": f"{settings.idle_minutes}m"}
    if pool.purpose == "system":
        return {**idle, "consolidationPolicy": "WhenEmptyOrUnderutilized", "budgets": [{"nodes": "1"}]}
    return {
        **idle,
        "consolidationPolicy": "WhenEmpty",
        # A newer image or a changed pool replaces nodes once they are empty or too old.
        "budgets": [{"nodes": "100%", "reasons": ["Empty"]}, {"nodes": "0", "reasons": ["Drifted", "Underutilized"]}],
    }
