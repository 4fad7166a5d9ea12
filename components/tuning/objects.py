"""Katib's controller and its keeper of observations, which are in the platform's PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject, ServerName, Upstream
from components.database import managed as managed_database
from components.database.names import password_name
from components.database.objects import endpoint as database_endpoint
from components.facts import Endpoint
from components.isolation.policies.model import quoted_list
from components.training.names import NAME as TRAINING
from components.tuning.images import COLLECTOR_IMAGE, CONTROLLER_IMAGE, MANAGER_IMAGE, SUGGESTION_IMAGE
from components.tuning.names import (
    CONTROLLER_PODS,
    MANAGER,
    MANAGER_PODS,
    MANAGER_PORT,
    NAME,
    NAMESPACE,
    SUGGESTION_PORT,
)
from components.tuning.policies import policies
from components.tuning.rbac import JOB_KINDS, WATCH_RULES
from components.tuning.settings import TuningSettings
from components.upstream import Server, definitions, webhooks

UPSTREAM = Upstream(
    name="katib",
    pinned_by="katib",
    module="github.com/kubeflow/katib",
    files=(
        "manifests/v1beta1/components/crd/experiment.yaml",
        "manifests/v1beta1/components/crd/suggestion.yaml",
        "manifests/v1beta1/components/crd/trial.yaml",
        "manifests/v1beta1/components/webhook/webhooks.yaml",
    ),
)
_SERVICE = "katib-webhooks"
SERVER_NAME = ServerName("tuning-webhooks", (f"{_SERVICE}.{NAMESPACE}.svc",))
_WEBHOOK_PORT = 8443
_HEALTH_PORT = 18080
_CONFIG = "katib-config"
_POD_HOOK = "mutator.pod.katib.kubeflow.org"
_ROLE = "tuning"
"""Role and database in the platform's PostgreSQL."""

ALGORITHMS = ("random", "grid", "tpe", "cmaes", "sobol")
"""What one static binary computes (goptuna)."""
_SMALL = {
    "requests": {"cpu": "10m", "memory": "32Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "200m", "memory": "128Mi", "ephemeral-storage": "256Mi"},
}
"""Within the ratios that a workspace's LimitRange allows."""
_OWNERS = ("Job", "TFJob", "PyTorchJob", "MPIJob")
"""Kinds that own the pods of trials. A TrainJob's pods belong to Jobs."""


def configuration(install: Install) -> dict[str, Any]:
    """Katib's configuration file. Its own certificates are off: it needs no right on secrets and webhooks."""
    collector = {"image": install.images[COLLECTOR_IMAGE], "imagePullPolicy": "IfNotPresent", "resources": _SMALL}
    return {
        "apiVersion": "config.kubeflow.org/v1beta1",
        "kind": "KatibConfig",
        "init": {
            "certGenerator": {"enable": False},
            "controller": {
                "webhookPort": _WEBHOOK_PORT,
                "healthzAddr": f":{_HEALTH_PORT}",
                "metricsAddr": "0",
                "injectSecurityContext": True,
                "trialResources": _trial_kinds(install.facts.components),
            },
        },
        "runtime": {
            "metricsCollectors": [{"kind": kind, **collector} for kind in ("StdOut", "File")],
            "suggestions": [
                {
                    "algorithmName": algorithm,
                    "image": install.images[SUGGESTION_IMAGE],
                    "imagePullPolicy": "IfNotPresent",
                    "resources": _SMALL,
                    "securityContext": k8s.container_security(),
                    # Its own choice waits ten seconds before it looks, and ten between looks.
                    "readinessProbe": {
                        "grpc": {"port": SUGGESTION_PORT, "service": "manager.v1beta1.Suggestion"},
                        "periodSeconds": 2,
                    },
                }
                for algorithm in ALGORITHMS
            ],
        },
    }


def _trial_kinds(components: Collection[str]) -> list[str]:
    """It watches those that are there when it starts, so a change of them must start it anew."""
    kinds = [f"{kind}.{group}" for group, kind in JOB_KINDS]
    return kinds if TRAINING in components else kinds[:1]


def objects(settings: TuningSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Where Katib is broken, pods of workspaces start without its collector rather than not at all."""
    certificate = install.certificates[SERVER_NAME.name]
    server = Server(NAME, _SERVICE, certificate.ca)
    config = {"katib-config.yaml": json.dumps(configuration(install), indent=1)}
    tls = {"tls.crt": certificate.certificate, "tls.key": certificate.key}
    environment, secret = _database_environment(install), {"DB_PASSWORD": install.secrets[password_name(_ROLE)]}
    egress = [k8s.to_dns(), *k8s.to_api_server(install.facts.network.api_server_endpoints)]
    suggestions = {"to": [k8s.WORKSPACES], "ports": k8s.ports(SUGGESTION_PORT)}
    observations = {"to": [k8s.peer(NAMESPACE, MANAGER_PODS)], "ports": k8s.ports(MANAGER_PORT)}
    template = k8s.pod_template(NAME, k8s.digest(config, tls), _controller(settings, install))
    template["metadata"]["labels"] = k8s.labels(NAME)
    managed = install.managed
    return (
        k8s.namespace(NAME),
        *definitions(install, UPSTREAM.name, NAME),
        k8s.service_account(NAME),
        k8s.service_account(NAME, MANAGER),
        *k8s.cluster_role(NAME, NAME, WATCH_RULES),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME, "controller", pods=CONTROLLER_PODS,
            ingress=[{"ports": k8s.ports(_WEBHOOK_PORT)}], egress=[*egress, suggestions, observations],
        ),
        k8s.allow(
            NAME, "observations", pods=MANAGER_PODS,
            ingress=[
                {"from": [k8s.WORKSPACES, k8s.peer(NAMESPACE, CONTROLLER_PODS)], "ports": k8s.ports(MANAGER_PORT)}
            ],
            egress=[k8s.to_dns(), k8s.to_endpoint(_database(install))],
        ),
        *(managed_database.ca_config_map(NAME, managed.database) if managed else ()),
        k8s.config_map(NAME, _CONFIG, config),
        k8s.config_map(NAME, "database", environment),
        k8s.secret(NAME, "database", secret),
        k8s.secret(NAME, "webhooks", tls, "kubernetes.io/tls"),
        k8s.service(NAME, _SERVICE, {"webhooks": (443, _WEBHOOK_PORT)}),
        _manager_service(),
        *(obj for policy in policies() for obj in policy.objects()),
        *(_lenient(hooks) for hooks in webhooks(install, UPSTREAM.name, server)),
        k8s.deployment(NAME, template, recreate=True),
        _manager(settings, install, k8s.digest(environment, secret)),
    )  # fmt: skip


def _database(install: Install) -> Endpoint:
    return managed_database.endpoint(install.managed.database) if install.managed else database_endpoint()


def _database_environment(install: Install) -> dict[str, str]:
    host, _, port = _database(install).url.partition("://")[2].rpartition(":")
    return {
        "DB_NAME": "postgres",
        "DB_USER": _ROLE,
        "KATIB_POSTGRESQL_DB_HOST": host,
        "KATIB_POSTGRESQL_DB_PORT": port,
        "KATIB_POSTGRESQL_DB_DATABASE": _ROLE,
        **({"KATIB_POSTGRESQL_SSL_MODE": install.managed.database.tls} if install.managed else {}),
        **(managed_database.tls(install.managed.database) if install.managed else {}),
    }


def _lenient(hooks: KubernetesObject) -> KubernetesObject:
    """Experiments are judged or refused. Pods are looked at only where a job owns them, and start in any case."""
    owners = "object.metadata.ownerReferences"
    owned = f"has({owners}) && {owners}.exists(o, o.kind in {quoted_list(_OWNERS)})"
    changed = [
        {**hook, "failurePolicy": "Ignore", "matchConditions": [{"name": "owned-by-a-job", "expression": owned}]}
        if hook["name"] == _POD_HOOK
        else hook
        for hook in hooks["webhooks"]
    ]
    return {**hooks, "webhooks": changed}


def _manager_service() -> KubernetesObject:
    made = k8s.service(NAME, MANAGER, {"api": (MANAGER_PORT, MANAGER_PORT)})
    made["spec"]["selector"] = MANAGER_PODS
    return made


def _controller(settings: TuningSettings, install: Install) -> dict[str, Any]:
    def health(path: str) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": _HEALTH_PORT}, "timeoutSeconds": 5}

    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(volumes=True),
        "terminationGracePeriodSeconds": 10,
        "containers": [
            {
                "name": "controller",
                "image": install.images[CONTROLLER_IMAGE],
                "args": ["--katib-config=/etc/mlp/katib/katib-config.yaml"],
                "env": [
                    {"name": "KATIB_CORE_NAMESPACE", "value": NAMESPACE},
                    {"name": "GOMEMLIMIT", "value": "200MiB"},
                ],
                "ports": [{"name": "webhooks", "containerPort": _WEBHOOK_PORT}],
                "startupProbe": {**health("/readyz"), "periodSeconds": 2, "failureThreshold": 60},
                "readinessProbe": {**health("/readyz"), "periodSeconds": 10},
                "livenessProbe": {**health("/healthz"), "periodSeconds": 30},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("20m", "48Mi", settings.memory),
                "volumeMounts": [
                    {"name": "config", "mountPath": "/etc/mlp/katib", "readOnly": True},
                    {"name": "tls", "mountPath": "/tmp/cert", "readOnly": True},  # noqa: S108 - Katib's own choice
                ],
            }
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": _CONFIG}},
            {"name": "tls", "secret": {"secretName": "webhooks", "defaultMode": 0o440}},
        ],
    }


def _manager(settings: TuningSettings, install: Install, config: str) -> KubernetesObject:
    database = install.managed.database if install.managed else None
    health = {"grpc": {"port": MANAGER_PORT}, "timeoutSeconds": 5}
    template = k8s.pod_template(
        NAME,
        config,
        {
            "securityContext": k8s.pod_security(),
            "containers": [
                {
                    "name": "manager",
                    "image": install.images[MANAGER_IMAGE],
                    "envFrom": [{"configMapRef": {"name": "database"}}, {"secretRef": {"name": "database"}}],
                    "ports": [{"name": "api", "containerPort": MANAGER_PORT}],
                    "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 60},
                    "livenessProbe": {**health, "periodSeconds": 60, "failureThreshold": 5},
                    "securityContext": k8s.container_security(),
                    "resources": k8s.resources("10m", "24Mi", settings.manager_memory),
                    "volumeMounts": managed_database.ca_mount(database) if database else [],
                }
            ],
            "volumes": managed_database.ca_volume(database) if database else [],
        },
    )
    template["metadata"]["labels"] = k8s.labels(NAME, MANAGER)
    template["spec"]["serviceAccountName"] = MANAGER
    made = k8s.deployment(NAME, template)
    made["metadata"] = {**made["metadata"], "name": MANAGER}
    made["spec"]["selector"] = {"matchLabels": MANAGER_PODS}
    return made
