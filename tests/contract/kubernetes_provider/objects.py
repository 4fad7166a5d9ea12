"""Small objects that the cases are made of."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]

LABELS = {"app": "case"}


def config_map(name: str | None, data: dict[str, Any], **metadata: Any) -> Obj:
    found = {"name": name, **metadata} if name else metadata
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": found, "data": data}


def pod_template(labels: dict[str, str] = LABELS, image: str = "registry.test/none:1", **spec: Any) -> Obj:
    return {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": image}], **spec},
    }


def deployment(name: str, *, labels: dict[str, str] = LABELS, replicas: int = 1, **metadata: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": pod_template(labels),
        },
    }


def stateful_set(name: str, *, service: str, **metadata: Any) -> Obj:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": 1,
            "serviceName": service,
            "selector": {"matchLabels": labels},
            "template": pod_template(labels),
        },
    }


def daemon_set(name: str) -> Obj:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": pod_template(labels)},
    }


def job(name: str, *, image: str = "registry.test/none:1", **metadata: Any) -> Obj:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, **metadata},
        "spec": {"backoffLimit": 0, "template": pod_template({"app": name}, image, restartPolicy="Never")},
    }


def claim(name: str, *, size: str = "1Gi", storage_class: str = "none", **metadata: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, **metadata},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": size}},
        },
    }


def service(name: str, **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80, "targetPort": 80}], **spec},
    }


def secret(name: str, **fields: Any) -> Obj:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}


SKIP_AWAIT = {"annotations": {"pulumi.com/skipAwait": "true"}}


def waits_at_most(seconds: int) -> Obj:
    return {"annotations": {"pulumi.com/timeoutSeconds": str(seconds)}}


def custom_definition(group: str) -> Obj:
    """A namespaced kind `Thing` in a group of the case's own."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
                            },
                        }
                    },
                }
            ],
        },
    }


def thing(group: str, name: str, size: int) -> Obj:
    return {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": name}, "spec": {"size": size}}
