"""Argo's controller as a Deployment, and its rights: it watches its kinds everywhere and acts in workspaces only."""

from __future__ import annotations

import json
from typing import Any

from components import kubernetes as k8s
from components.admission import served
from components.contract import Install, KubernetesObject, Upstream
from components.isolation.priorities import BATCH
from components.names import PIPELINES_CLUSTER_ROLE, component_namespace
from components.pipelines.executor import executor_token
from components.pipelines.images import CONTROLLER_IMAGE, EXECUTOR_IMAGE
from components.pipelines.names import NAME
from components.pipelines.rbac import WATCH_RULES, WORKSPACE_RULES
from components.pipelines.settings import PipelinesSettings
from components.tracking.workspace import WORKLOAD_SERVICE_ACCOUNT
from components.upstream import definitions

UPSTREAM = Upstream(
    name="argo",
    pinned_by="argo-workflows",
    module="github.com/argoproj/argo-workflows/v3",
    files=("manifests/base/crds/minimal/argoproj.io_*.yaml",),
)
_CONFIG = "workflow-controller"
_HEALTH_PORT = 6060
_EVENTS = "workfloweventbindings.argoproj.io"
"""A kind for Argo's own server, which does not run here."""


def configuration(settings: PipelinesSettings, install: Install) -> dict[str, str]:
    """The controller's ConfigMap. Values are JSON, which is YAML."""
    python = {"entrypoint": ["python3"]}
    seconds = settings.keep_days * 24 * 3600
    parts: dict[str, Any] = {
        "namespaceParallelism": settings.parallelism,
        # Without a registry to ask, Argo cannot find out what an image runs when a step names no command.
        "images": {image: python for image in (install.facts.workspace_image, install.facts.training_image) if image},
        "metricsConfig": {"enabled": False},
        "telemetryConfig": {"enabled": False},
        "executor": {
            "imagePullPolicy": "IfNotPresent",
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": True,
            },
        },
        "workflowDefaults": {
            "spec": {
                "serviceAccountName": WORKLOAD_SERVICE_ACCOUNT,
                "podPriorityClassName": BATCH,
                "ttlStrategy": {"secondsAfterCompletion": seconds},
                "podGC": {"strategy": "OnWorkflowCompletion", "deleteDelayDuration": "600s"},
            }
        },
        "workflowRestrictions": {},
    }
    return {name: json.dumps(value) for name, value in parts.items() if value not in ({}, None)}


def objects(settings: PipelinesSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """The right to act in a workspace is a ClusterRole that the control plane binds there (workspace.py)."""
    config = configuration(settings, install)
    executor = install.images[EXECUTOR_IMAGE]
    template = k8s.pod_template(NAME, k8s.digest(config, executor), _pod(settings, install))
    completion = executor_token(executor).objects() if served(install.facts.kubernetes_version) else ()
    return (
        k8s.namespace(NAME),
        *definitions(install, UPSTREAM.name, NAME, but=(_EVENTS,)),
        k8s.service_account(NAME),
        *k8s.cluster_role(NAME, NAME, WATCH_RULES),
        _workspace_role(),
        *_own_role(),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME, "controller", egress=[k8s.to_dns(), *k8s.to_api_server(install.facts.network.api_server_endpoints)]
        ),
        *completion,
        k8s.config_map(NAME, _CONFIG, config),
        k8s.deployment(NAME, template, recreate=True),
    )


def _workspace_role() -> KubernetesObject:
    return k8s.obj(
        "rbac.authorization.k8s.io/v1", "ClusterRole", NAME, PIPELINES_CLUSTER_ROLE, namespaced=False,
        rules=list(WORKSPACE_RULES),
    )  # fmt: skip


def _own_role() -> tuple[KubernetesObject, KubernetesObject]:
    """It says in its own namespace what is wrong with its configuration."""
    group = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]}]
    return (
        k8s.obj(f"{group}/v1", "Role", NAME, "events", rules=rules),
        k8s.obj(
            f"{group}/v1", "RoleBinding", NAME, "events",
            roleRef={"apiGroup": group, "kind": "Role", "name": "events"},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": component_namespace(NAME)}],
        ),
    )  # fmt: skip


def _pod(settings: PipelinesSettings, install: Install) -> dict[str, Any]:
    health = {"httpGet": {"path": "/healthz", "port": _HEALTH_PORT}, "timeoutSeconds": 20}
    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(),
        "terminationGracePeriodSeconds": 10,
        "containers": [
            {
                "name": "controller",
                "image": install.images[CONTROLLER_IMAGE],
                "args": [
                    f"--configmap={_CONFIG}",
                    f"--executor-image={install.images[EXECUTOR_IMAGE]}",
                    "--loglevel=warn",
                    "--log-format=json",
                    "--workflow-workers=8",
                    "--qps=50",
                    "--burst=100",
                ],
                # One replica that is recreated needs no leader.
                "env": [
                    {"name": "LEADER_ELECTION_DISABLE", "value": "true"},
                    {"name": "GOMEMLIMIT", "value": "300MiB"},
                    {"name": "ARGO_PROGRESS_PATCH_TICK_DURATION", "value": "0"},
                ],
                "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 60},
                "livenessProbe": {**health, "periodSeconds": 60},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("20m", "64Mi", settings.memory),
                "volumeMounts": [k8s.TMP_MOUNT],
            }
        ],
        "volumes": [k8s.scratch("tmp")],
    }
