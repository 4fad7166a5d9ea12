"""Kueue as a Deployment with its webhooks, the cohort of all tenants, and the priorities of jobs."""

from __future__ import annotations

import json
from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject, ServerName, Upstream
from components.names import LABEL_TENANT, component_namespace
from components.queueing.images import KUEUE_IMAGE
from components.queueing.names import API_VERSION, COHORT, FLAVOR, NAME, PRIORITIES, VERSION
from components.queueing.rbac import CONTROLLER_RULES, LEADER_RULES
from components.queueing.settings import QueueingSettings
from components.upstream import WEBHOOK_PORT, Server, definitions, webhooks

UPSTREAM = Upstream(
    name="kueue",
    pinned_by="kueue",
    module="sigs.k8s.io/kueue",
    files=("config/components/crd/bases/*.yaml", "config/components/webhook/manifests.yaml"),
)
_SERVICE = "kueue-webhooks"
_NAMESPACE = component_namespace(NAME)
SERVER_NAME = ServerName("queueing-webhooks", (f"{_SERVICE}.{_NAMESPACE}.svc",))
_HEALTH_PORT = 8081
_RBAC = "rbac.authorization.k8s.io"

_KINDS = ("job", "jobset", "mpijob", "pytorchjob", "tfjob", "trainjob")
_OWN_KINDS = ("clusterqueue", "cohort", "resourceflavor", "workload")
_WEBHOOKS = frozenset(f"{letter}{kind}.kb.io" for kind in (*_KINDS, *_OWN_KINDS) for letter in "mv")
"""Webhooks of kinds that are queued here; pods, deployments and others are none of Kueue's business."""

_GATES = {
    # An aggregated API of its own would be one more that namespaces wait for when they go.
    "VisibilityOnDemand": False,
    # Reads secrets, for kubeconfigs of other clusters.
    "MultiKueue": False,
    # Watches nodes and every pod.
    "TopologyAwareScheduling": False,
}
"""Switched off, with the rights that they would need."""


def configuration() -> dict[str, Any]:
    """Kueue's configuration file. Every job of a workspace is managed, whether it names a queue or not."""
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": f":{_HEALTH_PORT}"},
        "metrics": {"bindAddress": "0"},
        "webhook": {"port": WEBHOOK_PORT, "certDir": "/etc/mlp/tls"},
        "internalCertManagement": {"enable": False},
        "leaderElection": {"leaderElect": True, "resourceName": "kueue.mlp.io"},
        "clientConnection": {"qps": 50, "burst": 100},
        "manageJobsWithoutQueueName": True,
        "managedJobsNamespaceSelector": {"matchExpressions": [{"key": LABEL_TENANT, "operator": "Exists"}]},
        # Scratch space is bounded by the workspace's quota; queues count processors, memory and accelerators.
        "resources": {"excludeResourcePrefixes": ["ephemeral-storage"]},
        "integrations": {
            "frameworks": [
                "batch/job",
                "jobset.x-k8s.io/jobset",
                "kubeflow.org/mpijob",
                "kubeflow.org/pytorchjob",
                "kubeflow.org/tfjob",
                "trainer.kubeflow.org/trainjob",
            ]
        },
    }


def objects(settings: QueueingSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Webhooks judge objects of workspaces only, so that a broken Kueue holds up no job of anybody else."""
    certificate = install.certificates[SERVER_NAME.name]
    server = Server(NAME, _SERVICE, certificate.ca)
    # JSON is YAML, and needs no quoting rules of ours.
    config = {"config.yaml": json.dumps(configuration(), indent=1)}
    tls = {"tls.crt": certificate.certificate, "tls.key": certificate.key}
    template = k8s.pod_template(NAME, k8s.digest(config, tls), _pod(settings, install))
    return (
        k8s.namespace(NAME),
        *definitions(install, UPSTREAM.name, NAME, only=VERSION),
        k8s.service_account(NAME),
        *k8s.cluster_role(NAME, NAME, CONTROLLER_RULES),
        *_leader_role(),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "controller",
            # The API server's own address is a node's, which policies of pods know no name for.
            ingress=[{"ports": k8s.ports(WEBHOOK_PORT)}],
            egress=[k8s.to_dns(), *k8s.to_api_server(install.facts.network.api_server_endpoints)],
        ),
        k8s.config_map(NAME, "kueue", config),
        k8s.secret(NAME, "webhooks", tls, "kubernetes.io/tls"),
        k8s.service(NAME, _SERVICE, {"webhooks": (443, WEBHOOK_PORT)}),
        *webhooks(install, UPSTREAM.name, server, _WEBHOOKS.__contains__),
        k8s.deployment(NAME, template),
        *_queues(),
    )


def _leader_role() -> tuple[KubernetesObject, KubernetesObject]:
    return (
        k8s.obj(f"{_RBAC}/v1", "Role", NAME, "leader", rules=list(LEADER_RULES)),
        k8s.obj(
            f"{_RBAC}/v1",
            "RoleBinding",
            NAME,
            "leader",
            roleRef={"apiGroup": _RBAC, "kind": "Role", "name": "leader"},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": _NAMESPACE}],
        ),
    )


def _queues() -> tuple[KubernetesObject, ...]:
    """One flavor for all nodes; pods choose accelerators by the resource they ask for."""
    return (
        k8s.obj(API_VERSION, "ResourceFlavor", NAME, FLAVOR, namespaced=False, spec={}),
        k8s.obj(API_VERSION, "Cohort", NAME, COHORT, namespaced=False, spec={}),
        *(
            k8s.obj(API_VERSION, "WorkloadPriorityClass", NAME, name, namespaced=False, value=value, description="")
            for name, value in PRIORITIES.items()
        ),
    )


def _pod(settings: QueueingSettings, install: Install) -> dict[str, Any]:
    def health(path: str) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": _HEALTH_PORT}, "timeoutSeconds": 5}

    gates = ",".join(f"{name}={str(on).lower()}" for name, on in _GATES.items())
    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(volumes=True),
        "terminationGracePeriodSeconds": 10,
        "containers": [
            {
                "name": "kueue",
                "image": install.images[KUEUE_IMAGE],
                "args": ["--config=/etc/mlp/kueue/config.yaml", f"--feature-gates={gates}", "--zap-log-level=1"],
                "env": [{"name": "GOMEMLIMIT", "value": "200MiB"}],
                "ports": [{"name": "webhooks", "containerPort": WEBHOOK_PORT}],
                "startupProbe": {**health("/readyz"), "periodSeconds": 2, "failureThreshold": 60},
                "readinessProbe": {**health("/readyz"), "periodSeconds": 10},
                "livenessProbe": {**health("/healthz"), "periodSeconds": 20},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("20m", "64Mi", settings.memory),
                "volumeMounts": [
                    {"name": "config", "mountPath": "/etc/mlp/kueue", "readOnly": True},
                    {"name": "tls", "mountPath": "/etc/mlp/tls", "readOnly": True},
                    # Read at start even where nothing serves metrics.
                    {"name": "tls", "mountPath": "/etc/kueue/metrics/certs", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": "kueue"}},
            {"name": "tls", "secret": {"secretName": "webhooks", "defaultMode": 0o440}},
        ],
    }
