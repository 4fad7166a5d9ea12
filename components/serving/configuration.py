"""KServe's ConfigMap `inferenceservice-config`: standard mode, nothing of Knative, Istio or an Ingress. Pure."""

from __future__ import annotations

import json
from typing import Any

from components.serving.names import (
    ANNOTATION_ASLEEP,
    ANNOTATION_HELD,
    ANNOTATION_IDLE,
    ANNOTATION_PERCENT,
    ANNOTATION_STATUS,
)
from components.serving.settings import ServingSettings

CONFIG_MAP = "inferenceservice-config"
DOMAIN = "svc.cluster.local"
"""KServe takes an address in this domain for one that needs no way in from outside."""

_URL = '{{ .Name }}{{ if not (index .Labels "component") }}-predictor{{ end }}.{{ .Namespace }}.{{ .IngressDomain }}'
"""The address of the predictor's Service, asked for by the name of the InferenceService and by the Service's own."""
_UNUSED = {"memoryRequest": "64Mi", "memoryLimit": "128Mi", "cpuRequest": "10m", "cpuLimit": "100m"}


def configuration(settings: ServingSettings, image: str) -> dict[str, str]:
    """The ConfigMap's data, a JSON text for each part. `image`: what fetches models.

    KServe's agent (loggers, batchers, many models in one server) and routers have no image here: pods that ask for them
    are refused.
    """
    parts: dict[str, dict[str, Any]] = {
        "deploy": {
            "defaultDeploymentMode": "Standard",
            # A new version takes over pod by pod; what runs is taken away only once something else is ready.
            "deploymentRolloutStrategy": {"defaultRollout": {"maxSurge": "25%", "maxUnavailable": "0%"}},
        },
        "ingress": {
            "ingressGateway": "none/none",
            "ingressDomain": DOMAIN,
            "domainTemplate": _URL,
            "urlScheme": "http",
            "disableIstioVirtualHost": True,
            "disableIngressCreation": True,
        },
        "inferenceService": {
            "resource": {
                "cpuRequest": "100m",
                "cpuLimit": settings.endpoint_cpu,
                "memoryRequest": "384Mi",
                "memoryLimit": settings.endpoint_memory,
            },
            # What is said of an alias, of a share of the calls or of sleep is no reason to start pods again.
            "serviceAnnotationDisallowedList": [
                ANNOTATION_STATUS,
                ANNOTATION_PERCENT,
                ANNOTATION_IDLE,
                ANNOTATION_ASLEEP,
                ANNOTATION_HELD,
            ],
        },
        "storageInitializer": {
            "image": image,
            "cpuRequest": "50m",
            "cpuLimit": "1",
            "memoryRequest": "192Mi",
            "memoryLimit": "1Gi",
            "enableModelcar": False,
        },
        "security": {"autoMountServiceAccountToken": False},
        "localModel": {"enabled": False},
        "metricsAggregator": {"enableMetricAggregation": "false", "enablePrometheusScraping": "false"},
        "logger": {"image": "", "defaultUrl": "", **_UNUSED},
        "batcher": {"image": "", "maxBatchSize": "32", "maxLatency": "5000", **_UNUSED},
        "agent": {"image": "", **_UNUSED},
        "router": {"image": "", **_UNUSED},
    }
    return {name: json.dumps(part, indent=1) for name, part in parts.items()}
