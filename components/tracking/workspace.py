"""What a workspace gets to reach MLflow: its environment, the CA, and the volume with a pod's token. Pure."""

from __future__ import annotations

from typing import Any

from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts

CONFIG_MAP = "mlflow"
CA_CONFIG_MAP = "mlp-ca"
CA_KEY = "ca.crt"
FOLDER = "/var/run/secrets/mlp"
_FILES = {"labels": "metadata.labels", "namespace": "metadata.namespace", "pod": "metadata.name"}
"""Beside the token: what a run is tagged with (client/context.py)."""
TOKEN_AUDIENCE = "mlp"  # noqa: S105 - a name
WORKLOAD_SERVICE_ACCOUNT = "workload"


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """ConfigMaps for `envFrom` and for the volume of `workload_volume`. Nothing without tracking and a gateway."""
    if facts.tracking is None or facts.gateway is None:
        return ()
    environment = {
        "MLFLOW_TRACKING_URI": f"{facts.gateway.url}/mlflow",
        "MLFLOW_WORKSPACE": workspace.namespace,
        # Without a name the client logs to experiment 0, which is no workspace's.
        "MLFLOW_EXPERIMENT_NAME": "Default",
        "MLFLOW_TRACKING_AUTH": "mlp",
        "MLP_TOKEN_FILE": f"{FOLDER}/token",
    }
    if facts.ca_certificate:
        environment["MLFLOW_TRACKING_SERVER_CERT_PATH"] = f"{FOLDER}/{CA_KEY}"
    return (
        _config_map(workspace, CONFIG_MAP, environment),
        _config_map(workspace, CA_CONFIG_MAP, {CA_KEY: facts.ca_certificate}),
    )


def workload_volume(name: str = "mlp", expiration_seconds: int = 3600) -> dict[str, Any]:
    """The pod volume with the pod's token for the platform, the CA, and the pod's name and labels; mount it read-only
    at FOLDER. Pods get it by themselves (`environment.py`) where the cluster completes pods.

    The pod runs as service account `workload`; its token is good for the platform only, not for the API server.
    """
    return {
        "name": name,
        "projected": {
            "defaultMode": 0o444,
            "sources": [
                {
                    "serviceAccountToken": {
                        "path": "token",
                        "audience": TOKEN_AUDIENCE,
                        "expirationSeconds": expiration_seconds,
                    },
                },
                {"configMap": {"name": CA_CONFIG_MAP, "items": [{"key": CA_KEY, "path": CA_KEY}]}},
                {"downwardAPI": {"items": [_field(path, of) for path, of in _FILES.items()]}},
            ],
        },
    }


def _field(path: str, of: str) -> dict[str, Any]:
    return {"path": path, "fieldRef": {"apiVersion": "v1", "fieldPath": of}}


def _config_map(workspace: Workspace, name: str, data: dict[str, str]) -> KubernetesObject:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": workspace.namespace},
        "data": data,
    }
