"""The three controllers: Deployments, their webhooks' certificates and Services, what they read at start. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.training.images import DELIVERY_IMAGE
from components.training.names import JOBSET, NAME, NAMESPACE, OPERATOR, TRAINER, TRAINING_IMAGE
from components.training.rbac import JOBSET_GROUP
from components.training.settings import TrainingSettings
from components.upstream import WEBHOOK_PORT

HEALTH_PORT = 8081
UNUSED_SECRET = "training-operator-unused"  # noqa: S105 - a name
"""Training Operator always makes a certificate; it may write it here. Its server shows the installer's instead."""

_CERTIFICATES = "/tmp/k8s-webhook-server/serving-certs"  # noqa: S108 - where all three look
_CONFIG = "/etc/config"
_SCHEMES = ("tfjob", "pytorchjob")

_MEMORY = {OPERATOR: "52Mi", TRAINER: "44Mi", JOBSET: "52Mi"}
"""What each takes idle."""


def _configurations() -> dict[str, dict[str, str]]:
    """Files below /etc/config of each controller."""
    common = {"leaderElection": {"leaderElect": False}, "metrics": {"bindAddress": "0"}}
    trainer = {
        "apiVersion": "config.trainer.kubeflow.org/v1alpha1",
        "kind": "Configuration",
        "certManagement": {"enable": False},
        **common,
    }
    jobset = {
        "apiVersion": f"config.{JOBSET_GROUP}/v1alpha1",
        "kind": "Configuration",
        "internalCertManagement": {"enable": False},
        **common,
    }
    return {
        OPERATOR: {"initContainer.yaml": json.dumps([_waiting()], indent=1)},
        TRAINER: {"config.yaml": json.dumps(trainer, indent=1)},
        JOBSET: {"config.yaml": json.dumps(jobset, indent=1)},
    }


def _waiting() -> dict[str, Any]:
    """What PyTorchJob's workers do before they start: wait until the master has an address. The operator fills in
    what stands in braces."""
    program = (
        "import socket, sys, time\n"
        "for _ in range(int(sys.argv[2])):\n"
        "    try:\n"
        "        socket.getaddrinfo(sys.argv[1], None)\n"
        "        break\n"
        "    except OSError:\n"
        "        time.sleep(2)\n"
        "else:\n"
        "    sys.exit('the master has no address')\n"
    )
    return {
        "name": "init-pytorch",
        "image": "{{.InitContainerImage}}",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", program, "{{.MasterAddr}}", "{{.MaxTries}}"],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
    }


def _arguments(name: str, settings: TrainingSettings, install: Install) -> list[str]:
    if name != OPERATOR:
        return [f"--config={_CONFIG}/config.yaml", "--zap-log-level=info"]
    schemes = (*_SCHEMES, *(("mpijob",) if settings.mpi_jobs else ()))
    return [
        *(f"--enable-scheme={scheme}" for scheme in schemes),
        "--metrics-bind-address=0",
        f"--health-probe-bind-address=:{HEALTH_PORT}",
        f"--webhook-server-port={WEBHOOK_PORT}",
        f"--webhook-service-name={OPERATOR}",
        f"--webhook-secret-name={UNUSED_SECRET}",
        f"--pytorch-init-container-image={install.images[TRAINING_IMAGE]}",
        f"--pytorch-init-container-template-file={_CONFIG}/initContainer.yaml",
        *((f"--mpi-kubectl-delivery-image={install.images[DELIVERY_IMAGE]}",) if settings.mpi_jobs else ()),
        "--zap-log-level=info",
    ]


def controller_objects(name: str, settings: TrainingSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """One controller with all that is its own but its rights."""
    configuration = _configurations()[name]
    certificate = install.certificates[server_name(name)]
    tls = {"tls.crt": certificate.certificate, "tls.key": certificate.key}
    return (
        k8s.service_account(NAME, name),
        k8s.config_map(NAME, name, configuration),
        k8s.secret(NAME, f"{name}-tls", tls, "kubernetes.io/tls"),
        k8s.service(NAME, name, {"webhooks": (443, WEBHOOK_PORT)}, selector=k8s.selector(NAME, name)),
        _deployment(name, k8s.digest(configuration, tls), settings, install),
    )


def server_name(name: str) -> str:
    """Name of a controller's certificate in the installation."""
    return name if name.startswith(f"{NAME}-") else f"{NAME}-{name}"


def host(name: str) -> str:
    """Where the API server finds a controller's webhooks."""
    return f"{name}.{NAMESPACE}.svc"


def _deployment(name: str, config: str, settings: TrainingSettings, install: Install) -> KubernetesObject:
    template = k8s.pod_template(NAME, config, {**_pod(name, settings, install), "serviceAccountName": name})
    template["metadata"]["labels"] |= k8s.labels(NAME, name)
    # One at a time: none of them elects a leader.
    made = k8s.deployment(NAME, template, recreate=True)
    made["metadata"] |= {"name": name, "labels": k8s.labels(NAME, name)}
    made["spec"]["selector"] = {"matchLabels": k8s.selector(NAME, name)}
    return made


def _probe(path: str, **times: int) -> Mapping[str, Any]:
    return {"httpGet": {"path": path, "port": HEALTH_PORT}, "timeoutSeconds": 5, **times}


def _pod(name: str, settings: TrainingSettings, install: Install) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(),
        "containers": [
            {
                "name": name,
                "image": install.images[name],
                "args": _arguments(name, settings, install),
                "env": [{"name": "MY_POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
                "ports": [{"name": "webhooks", "containerPort": WEBHOOK_PORT}],
                "startupProbe": _probe("/readyz", periodSeconds=2, failureThreshold=90),
                "readinessProbe": _probe("/readyz", periodSeconds=10, failureThreshold=3),
                "livenessProbe": _probe("/healthz", periodSeconds=20, failureThreshold=4),
                "resources": k8s.resources("10m", _MEMORY[name], settings.memory),
                "securityContext": k8s.container_security(),
                "volumeMounts": [
                    {"name": "tls", "mountPath": _CERTIFICATES, "readOnly": True},
                    {"name": "config", "mountPath": _CONFIG, "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "tls", "secret": {"secretName": f"{name}-tls", "defaultMode": 0o444}},
            {"name": "config", "configMap": {"name": name}},
        ],
    }
