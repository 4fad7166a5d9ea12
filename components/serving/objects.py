"""KServe's controller with its webhooks, and what serves and fetches models."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.admission import served
from components.contract import Install, KubernetesObject, ServerName, Upstream
from components.names import SERVING_CLUSTER_ROLE, component_namespace
from components.serving.configuration import CONFIG_MAP, configuration
from components.serving.holding import held
from components.serving.images import CONTROLLER_IMAGE, SERVING_IMAGE
from components.serving.names import NAME
from components.serving.policies import policies
from components.serving.rbac import CONTROLLER_RULES, WORKSPACE_RULES
from components.serving.runtimes import runtimes, storage_container
from components.serving.settings import ServingSettings
from components.upstream import WEBHOOK_PORT, Server, definitions, webhooks

UPSTREAM = Upstream(
    name="kserve",
    pinned_by="kserve",
    module="github.com/kserve/kserve",
    files=(
        "config/crd/full/serving.kserve.io_*.yaml",
        "config/crd/full/clusterstoragecontainer/*.yaml",
        "config/webhook/manifests.yaml",
    ),
)
"""Left out: definitions of its second controller (language models) and of models kept on nodes."""
_SERVICE = "kserve-webhooks"
_NAMESPACE = component_namespace(NAME)
SERVER_NAME = ServerName("serving-webhooks", (f"{_SERVICE}.{_NAMESPACE}.svc",))
_HEALTH_PORT = 8081
_RBAC = "rbac.authorization.k8s.io"
_CERTIFICATES = "/tmp/k8s-webhook-server/serving-certs"  # noqa: S108 - where the controller looks

_WEBHOOKS = (
    "inferenceservice.kserve-webhook-server.defaulter",
    "inferenceservice.kserve-webhook-server.pod-mutator",
    "inferenceservice.kserve-webhook-server.validator",
    "servingruntime.kserve-webhook-server.validator",
)
"""Cluster-wide runtimes are the platform's own, and nobody has graphs or trained models."""


def objects(settings: ServingSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """The controller changes workloads in workspaces only, where the control plane binds `WORKSPACE_RULES`."""
    certificate = install.certificates[SERVER_NAME.name]
    image = install.images[SERVING_IMAGE]
    config = configuration(settings, image)
    tls = {"tls.crt": certificate.certificate, "tls.key": certificate.key}
    template = k8s.pod_template(NAME, k8s.digest(config, tls), _pod(settings, install))
    return (
        k8s.namespace(NAME),
        *definitions(install, UPSTREAM.name, NAME),
        k8s.service_account(NAME),
        *k8s.cluster_role(NAME, NAME, CONTROLLER_RULES),
        k8s.obj(
            f"{_RBAC}/v1", "ClusterRole", NAME, SERVING_CLUSTER_ROLE, namespaced=False,
            rules=[dict(rule) for rule in WORKSPACE_RULES],
        ),
        *_configuration_role(),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "controller",
            # The API server's own address is a node's, which policies of pods know no name for.
            ingress=[{"ports": k8s.ports(WEBHOOK_PORT)}],
            egress=[k8s.to_dns(), *k8s.to_api_server(install.facts.network.api_server_endpoints)],
        ),
        k8s.config_map(NAME, CONFIG_MAP, config),
        k8s.secret(NAME, "webhooks", tls, "kubernetes.io/tls"),
        k8s.service(NAME, _SERVICE, {"webhooks": (443, WEBHOOK_PORT)}),
        *(obj for policy in policies() for obj in policy.objects()),
        *(held().objects() if served(install.facts.kubernetes_version) else ()),
        *webhooks(install, UPSTREAM.name, Server(NAME, _SERVICE, certificate.ca), _WEBHOOKS.__contains__),
        # One at a time: it elects no leader.
        k8s.deployment(NAME, template, recreate=True),
        storage_container(image),
        *runtimes(image),
    )  # fmt: skip


def _configuration_role() -> tuple[KubernetesObject, KubernetesObject]:
    """It reads its configuration, and no other ConfigMap."""
    rule = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [CONFIG_MAP], "verbs": ["get"]}
    return (
        k8s.obj(f"{_RBAC}/v1", "Role", NAME, "configuration", rules=[rule]),
        k8s.obj(
            f"{_RBAC}/v1",
            "RoleBinding",
            NAME,
            "configuration",
            roleRef={"apiGroup": _RBAC, "kind": "Role", "name": "configuration"},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": _NAMESPACE}],
        ),
    )


def _pod(settings: ServingSettings, install: Install) -> dict[str, Any]:
    def health(path: str) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": _HEALTH_PORT}, "timeoutSeconds": 5}

    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(volumes=True),
        "terminationGracePeriodSeconds": 10,
        "containers": [
            {
                "name": "manager",
                "image": install.images[CONTROLLER_IMAGE],
                "args": [
                    f"--webhook-port={WEBHOOK_PORT}",
                    "--metrics-addr=0",
                    f"--health-probe-addr=:{_HEALTH_PORT}",
                    "--zap-log-level=error",
                    "--zap-stacktrace-level=panic",
                ],
                # By this variable it finds its configuration.
                "env": [{"name": "POD_NAMESPACE", "value": _NAMESPACE}, {"name": "GOMEMLIMIT", "value": "300MiB"}],
                "ports": [{"name": "webhooks", "containerPort": WEBHOOK_PORT}],
                "startupProbe": {**health("/healthz"), "periodSeconds": 1, "failureThreshold": 120},
                "readinessProbe": {**health("/readyz"), "periodSeconds": 5},
                "livenessProbe": {**health("/healthz"), "periodSeconds": 20, "failureThreshold": 4},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("20m", "80Mi", settings.memory),
                "volumeMounts": [{"name": "tls", "mountPath": _CERTIFICATES, "readOnly": True}],
            }
        ],
        "volumes": [{"name": "tls", "secret": {"secretName": "webhooks", "defaultMode": 0o440}}],
    }
