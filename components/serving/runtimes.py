"""What serves models and what fetches them, as KServe's own objects. Pure."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.serving.names import (
    ANNOTATION_SOURCE,
    ANNOTATION_VERSION,
    LABEL_CANARY_OF,
    NAME,
    PORT,
    PORT_NAME,
    RUNTIMES,
)
from components.serving.runtime.fetch import SOURCE_VARIABLE, VERSION_VARIABLE
from components.tracking.workspace import CONFIG_MAP, FOLDER, workload_volume

MODELS = "/mnt/models"
"""Where KServe mounts a model."""
_GRPC_PORT, _METRICS_PORT = 8081, 8082

MODEL_NAME = "{{or (index .Labels `%s`) .Name}}" % LABEL_CANARY_OF  # noqa: UP031 - braces of the template
"""What KServe fills in from the InferenceService: the endpoint that it is a canary of, else its own name. KServe reads
the container's JSON as the template, so there can be no double quotes."""

MLFLOW_RUNTIME, SKLEARN_RUNTIME = "mlp-mlflow", "mlp-sklearn"
_SCHEMES = ("models:/", "runs:/", "mlflow-artifacts:/", "s3://")
"""Addresses that MLflow's client opens with what the pod has: the workspace's identity, and its bucket's keys."""


def runtimes(image: str) -> tuple[KubernetesObject, ...]:
    """One server, found by KServe under the two formats that people name."""
    return (
        _runtime(MLFLOW_RUNTIME, image, "mlflow", ("1", "2", "3")),
        _runtime(SKLEARN_RUNTIME, image, "sklearn", ("0", "1")),
    )


def _runtime(name: str, image: str, model_format: str, versions: tuple[str, ...]) -> KubernetesObject:
    formats = [
        {"name": model_format, "version": version, "autoSelect": True, "priority": 1} for version in versions
    ]  # fmt: skip
    return k8s.obj(
        RUNTIMES, "ClusterServingRuntime", NAME, name, namespaced=False,
        spec={
            "supportedModelFormats": formats,
            "protocolVersions": ["v1", "v2"],
            "containers": [_server(image)],
            "volumes": [workload_volume(), k8s.scratch("tmp", "256Mi")],
        },
    )  # fmt: skip


def _server(image: str) -> dict[str, Any]:
    variables = {
        "MLSERVER_HTTP_PORT": str(PORT),
        "MLSERVER_GRPC_PORT": str(_GRPC_PORT),
        "MLSERVER_METRICS_PORT": str(_METRICS_PORT),
        "MLSERVER_METRICS_DIR": "/tmp",  # noqa: S108 - a folder of the container's own
        # One process: more cost memory that most models do not need; an InferenceService may ask for some.
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_DEBUG": "false",
        "MALLOC_ARENA_MAX": "2",
    }
    ready = {"httpGet": {"path": "/v2/health/ready", "port": PORT_NAME}, "timeoutSeconds": 5}
    alive = {"httpGet": {"path": "/v2/health/live", "port": PORT_NAME}, "timeoutSeconds": 10}
    return {
        "name": "kserve-container",
        "image": image,
        # The name is the model's in the protocol's addresses.
        "args": ["python3", "-m", "components.serving.runtime.serve", MODEL_NAME, MODELS],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "ports": [{"name": PORT_NAME, "containerPort": PORT, "protocol": "TCP"}],
        # The gateway and the Service forget the pod first; then it ends what it is answering.
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "startupProbe": {**ready, "periodSeconds": 2, "failureThreshold": 300},
        "readinessProbe": {**ready, "periodSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**alive, "periodSeconds": 20, "failureThreshold": 6},
        "securityContext": _security(),
        "volumeMounts": [_identity(), k8s.TMP_MOUNT],
    }


def storage_container(image: str) -> KubernetesObject:
    """How KServe fetches a model: the pod's own identity, and the version that the platform chose for an alias."""
    told = {SOURCE_VARIABLE: ANNOTATION_SOURCE, VERSION_VARIABLE: ANNOTATION_VERSION}
    container = {
        "name": "storage-initializer",
        "image": image,
        "command": ["python3", "-m", "components.serving.runtime.fetch"],
        "env": [
            {"name": name, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}}}
            for name, annotation in told.items()
        ],
        "envFrom": [{"configMapRef": {"name": CONFIG_MAP}}],
        "resources": {
            "requests": {"cpu": "50m", "memory": "192Mi"},
            "limits": {"cpu": "1", "memory": "1Gi"},
        },
        "securityContext": _security(),
        "volumeMounts": [_identity()],
    }
    return k8s.obj(
        RUNTIMES, "ClusterStorageContainer", NAME, "mlp-mlflow", namespaced=False,
        spec={
            "container": container,
            "supportedUriFormats": [{"prefix": scheme} for scheme in _SCHEMES],
            "workloadType": "initContainer",
            "supportsMultiModelDownload": False,
        },
    )  # fmt: skip


def _identity() -> dict[str, Any]:
    return {"name": workload_volume()["name"], "mountPath": FOLDER, "readOnly": True}


def _security() -> dict[str, Any]:
    return {**k8s.container_security(), "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
