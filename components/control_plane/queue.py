"""Valkey as the queue: one pod with an append-only file, one user who may use a queue and nothing else. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.control_plane.names import QUEUE, QUEUE_PORT, QUEUE_USER, pods
from components.control_plane.placing import SYSTEM, workload
from components.control_plane.settings import ControlPlaneSettings

# Not /etc/valkey: Debian's package lets only its own user into that folder.
_CONFIG = "/etc/queue"


def configuration(settings: ControlPlaneSettings) -> str:
    """valkey.conf. Full means refusing writes: the truth is in the database, so nothing may be dropped silently."""
    del settings
    return "\n".join(
        [
            "bind * -::*",
            f"port {QUEUE_PORT}",
            "dir /data",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory 64mb",
            "maxmemory-policy noeviction",
            "timeout 0",
            "tcp-keepalive 60",
            "loglevel notice",
            f"aclfile {_CONFIG}/users/users.acl",
            "",
        ]
    )


def users(password: str) -> str:
    """The ACL file: the password's hash only, and no default user."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f"user default off\nuser {QUEUE_USER} on #{digest} ~* &* +@all -@admin -@dangerous +info\n"


def objects(
    settings: ControlPlaneSettings, image: str, password: str, storage_class: str
) -> tuple[KubernetesObject, ...]:
    """Service, configuration and StatefulSet."""
    config, acl = {"valkey.conf": configuration(settings)}, {"users.acl": users(password)}
    service = k8s.service(SYSTEM, QUEUE, {"valkey": (QUEUE_PORT, QUEUE_PORT)})
    service["spec"]["selector"] = pods("queue")
    template = workload("queue", k8s.digest(config, acl), _pod(settings, image), account=QUEUE)
    made = k8s.stateful_set(SYSTEM, template, k8s.claim(storage_class, settings.queue_storage))
    made["metadata"]["name"] = made["spec"]["serviceName"] = QUEUE
    made["spec"]["selector"] = {"matchLabels": pods("queue")}
    return (
        k8s.service_account(SYSTEM, QUEUE),
        k8s.config_map(SYSTEM, QUEUE, config),
        k8s.secret(SYSTEM, QUEUE, acl),
        service,
        made,
    )


def _pod(settings: ControlPlaneSettings, image: str) -> dict[str, Any]:
    alive = {"tcpSocket": {"port": QUEUE_PORT}, "timeoutSeconds": 3}
    return {
        "securityContext": k8s.pod_security(volumes=True),
        "terminationGracePeriodSeconds": 30,
        "containers": [
            {
                "name": "valkey",
                "image": image,
                "command": ["/usr/bin/valkey-server", f"{_CONFIG}/server/valkey.conf"],
                "ports": [{"name": "valkey", "containerPort": QUEUE_PORT}],
                "startupProbe": {**alive, "periodSeconds": 1, "failureThreshold": 60},
                "readinessProbe": {**alive, "periodSeconds": 5},
                "livenessProbe": {**alive, "periodSeconds": 20, "failureThreshold": 3},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("20m", "16Mi", settings.queue_memory),
                "volumeMounts": [
                    {"name": "data", "mountPath": "/data"},
                    {"name": "config", "mountPath": f"{_CONFIG}/server", "readOnly": True},
                    {"name": "users", "mountPath": f"{_CONFIG}/users", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": QUEUE}},
            {"name": "users", "secret": {"secretName": QUEUE, "defaultMode": 0o440}},
        ],
    }
