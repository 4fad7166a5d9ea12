"""What a workspace with the feature gets: one pod with everything of its instance, and the ways to it. Pure.

One pod, since its parts are of use only together: database and server speak over the pod's own loopback address, so
neither needs a password, and nobody else reaches the database.
"""

from __future__ import annotations

import json
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject, Workspace
from components.facts import Endpoint, KubeflowPipelines, PlatformFacts
from components.isolation.priorities import INTERACTIVE
from components.isolation.rbac import STORAGE_SECRET
from components.kubeflow_pipelines.instance import containers, server_configuration, sidecars, volumes
from components.kubeflow_pipelines.names import (
    CONFIG,
    GRPC_PORT,
    HTTP_PORT,
    METADATA_PORT,
    METADATA_SERVICE,
    NAME,
    SERVICE,
)
from components.names import KUBEFLOW_PIPELINES_CLUSTER_ROLE

_LABELS = {"app.kubernetes.io/name": NAME}
_RBAC = "rbac.authorization.k8s.io"
_FOLDER = "kubeflow-pipelines"
"""In the workspace's bucket: below it is everything that an instance and its steps store."""


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Nothing without the feature. Suspended: no pod runs. The database's volume stays when the feature is taken away,
    so that it can come back; it goes with the workspace."""
    given, storage = facts.kubeflow_pipelines, facts.storage
    if NAME not in workspace.features or given is None or storage is None:
        return ()
    configuration = server_configuration(workspace.namespace, storage.url, facts.storage_region, _FOLDER)
    return (
        _object(workspace, "v1", "ServiceAccount", NAME, automountServiceAccountToken=False),
        _binding(workspace),
        _object(workspace, "v1", "ConfigMap", CONFIG, data={"config.json": configuration}),
        _launcher(workspace, storage, facts.storage_region),
        _service(workspace, SERVICE, {"http": HTTP_PORT, "grpc": GRPC_PORT}),
        _service(workspace, METADATA_SERVICE, {"grpc-api": METADATA_PORT}),
        _network(workspace, facts),
        _instance(workspace, given, facts, configuration),
    )


def _object(workspace: Workspace, api_version: str, kind: str, name: str, **body: Any) -> KubernetesObject:
    metadata = {"name": name, "namespace": workspace.namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _binding(workspace: Workspace) -> KubernetesObject:
    return _object(
        workspace, f"{_RBAC}/v1", "RoleBinding", KUBEFLOW_PIPELINES_CLUSTER_ROLE,
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": KUBEFLOW_PIPELINES_CLUSTER_ROLE},
        subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": workspace.namespace}],
    )  # fmt: skip


def _launcher(workspace: Workspace, storage: Endpoint, region: str) -> KubernetesObject:
    """What every step reads for itself: where artifacts go. The keys are in the environment of each pod."""
    scheme, _, endpoint = storage.url.partition("://")
    providers = {
        "s3": {
            "default": {
                "endpoint": endpoint,
                "region": region,
                "disableSSL": scheme == "http",
                "forcePathStyle": True,
                "credentials": {"fromEnv": True},
            }
        }
    }
    data = {
        "defaultPipelineRoot": f"s3://{workspace.namespace}/{_FOLDER}/artifacts",
        "providers": json.dumps(providers, indent=1),
    }
    return _object(workspace, "v1", "ConfigMap", "kfp-launcher", data=data)


def _service(workspace: Workspace, name: str, ports: dict[str, int]) -> KubernetesObject:
    listed = [{"name": key, "port": port, "targetPort": port, "protocol": "TCP"} for key, port in ports.items()]
    return _object(workspace, "v1", "Service", name, spec={"selector": _LABELS, "ports": listed})


def _network(workspace: Workspace, facts: PlatformFacts) -> KubernetesObject:
    """To the API server, and from the gateway. Pods of the workspace reach each other anyway."""
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": _LABELS},
        "policyTypes": ["Egress"],
        "egress": k8s.to_api_server(facts.network.api_server_endpoints),
    }
    if facts.gateway is not None:
        source = k8s.peer(facts.gateway.namespace, facts.gateway.pod_labels)
        spec["policyTypes"] = ["Ingress", "Egress"]
        spec["ingress"] = [{"from": [source], "ports": k8s.ports(HTTP_PORT)}]
    return _object(workspace, "networking.k8s.io/v1", "NetworkPolicy", f"allow-{NAME}", spec=spec)


def _instance(
    workspace: Workspace, given: KubeflowPipelines, facts: PlatformFacts, configuration: str
) -> KubernetesObject:
    pod = {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "priorityClassName": INTERACTIVE,
        "securityContext": k8s.pod_security(volumes=True),
        "terminationGracePeriodSeconds": 60,
        "initContainers": sidecars(facts.kubeflow_database_image),
        "containers": containers(given, workspace.namespace, STORAGE_SECRET),
        "volumes": volumes(),
    }
    template = {
        "metadata": {"labels": _LABELS, "annotations": {k8s.ANNOTATION_CONFIG: k8s.digest(configuration)}},
        "spec": pod,
    }
    claim = k8s.claim(facts.storage_class, given.storage)
    return _object(
        workspace, "apps/v1", "StatefulSet", NAME,
        spec={
            "replicas": 0 if workspace.suspended else 1,
            "revisionHistoryLimit": 2,
            "serviceName": SERVICE,
            "selector": {"matchLabels": _LABELS},
            "template": template,
            "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": _LABELS}, "spec": claim}],
        },
    )  # fmt: skip
