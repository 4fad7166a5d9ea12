"""MLflow with the Kubernetes plugin: one Deployment that the gateway and the control plane reach."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.admission import served
from components.contract import Install, KubernetesObject
from components.database import managed as managed_database
from components.database.names import password_name
from components.database.objects import endpoint as database_endpoint
from components.facts import Endpoint
from components.gateway.names import GATEWAY_PODS, TRACKING_HOP_SECRET
from components.names import LABEL_TENANT, SYSTEM_NAMESPACE, TUNING, component_namespace, control_plane_pods
from components.storage.objects import TRACKING_BUCKET, TRACKING_SECRET, TRACKING_USER
from components.storage.objects import endpoint as storage_endpoint
from components.tracking.environment import pod_environment
from components.tracking.images import TRACKING_IMAGE
from components.tracking.names import READER_SECRET
from components.tracking.rbac import API_GROUP
from components.tracking.settings import TrackingSettings

NAME = "tracking"
PORT = 5000
HOST = f"{NAME}.{component_namespace(NAME)}.svc"

_ROLE = "tracking"
"""Role and database in the platform's PostgreSQL."""

# A model version's source is followed with the server's own rights: only what MLflow itself ties to a run, a logged
# model or a registered model of the workspace, and the placeholders of prompts.
_SOURCES = r"\A(mlflow-artifacts:|runs:/|models:/|dummy-source\Z|prompt-template\Z)"


def endpoint() -> Endpoint:
    """Where the gateway and the control plane find it. Nobody else can call it."""
    return Endpoint(
        url=f"http://{HOST}:{PORT}", namespace=component_namespace(NAME), pod_labels=k8s.selector(NAME), port=PORT
    )


def environment(settings: TrackingSettings, install: Install) -> dict[str, str]:
    """The server's environment without its secrets."""
    facts = install.facts
    return {
        "MLP_DATABASE": f"postgresql+psycopg2://{_ROLE}@{_database(install).url.partition('://')[2]}/{_ROLE}",
        **_stores(install),
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "MLFLOW_WORKSPACE_STORE_URI": "kubernetes://",
        "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR": LABEL_TENANT,
        "MLFLOW_K8S_AUTH_AUTHORIZATION_MODE": "subject_access_review",
        "MLFLOW_K8S_AUTH_CACHE_TTL_SECONDS": str(settings.decision_seconds),
        "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": _SOURCES,
        "MLFLOW_SERVER_ALLOWED_HOSTS": HOST,
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": facts.public_url,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(settings.connections // 4),
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": str(settings.connections - settings.connections // 4),
        "MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE": "1800",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "MALLOC_ARENA_MAX": "2",
        "MLP_SEARCHES": str(TUNING in facts.components).lower(),
        "HOME": "/tmp",  # noqa: S108 - a folder of the container's own
        "MPLCONFIGDIR": "/tmp",  # noqa: S108
    }


def _database(install: Install) -> Endpoint:
    return managed_database.endpoint(install.managed.database) if install.managed else database_endpoint()


def _stores(install: Install) -> dict[str, str]:
    """Where artifacts are. On a cloud the pod's identity opens them, and libpq checks the database's certificate."""
    if install.managed:
        region = {"AWS_DEFAULT_REGION": install.managed.cloud.region} if install.managed.cloud.kind == "aws" else {}
        return {"MLP_ARTIFACTS": install.managed.artifacts, **region, **managed_database.tls(install.managed.database)}
    return {
        "MLP_ARTIFACTS": f"s3://{TRACKING_BUCKET}",
        "MLFLOW_S3_ENDPOINT_URL": storage_endpoint().url,
        "AWS_ACCESS_KEY_ID": TRACKING_USER,
        "AWS_DEFAULT_REGION": install.facts.storage_region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def secrets(install: Install) -> dict[str, str]:
    """The secret part of the server's environment."""
    return {
        "PGPASSWORD": install.secrets[password_name(_ROLE)],
        **({} if install.managed else {"AWS_SECRET_ACCESS_KEY": install.secrets[TRACKING_SECRET]}),
        "MLP_GATEWAY_SECRET": install.secrets[TRACKING_HOP_SECRET],
        "MLP_READER_SECRET": install.secrets[READER_SECRET],
    }


def objects(settings: TrackingSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Its own rights are to ask what others may do, and to read namespaces."""
    facts = install.facts
    public, private = environment(settings, install), secrets(install)
    template = k8s.pod_template(NAME, k8s.digest(public, private), _pod(settings, install))
    managed = install.managed
    if managed:
        template["metadata"]["labels"] |= managed.pod_labels
    return (
        k8s.namespace(NAME),
        k8s.service_account(NAME, managed=managed),
        *k8s.cluster_role(
            NAME,
            NAME,
            [
                {
                    "apiGroups": ["authorization.k8s.io"],
                    "resources": ["subjectaccessreviews"],
                    "verbs": ["create"],
                },
                {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": [API_GROUP], "resources": ["mlflowconfigs"], "verbs": ["list", "watch"]},
            ],
        ),
        _configuration_kind(),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "server",
            ingress=[{"from": _callers(), "ports": k8s.ports(PORT)}],
            egress=[
                k8s.to_dns(),
                k8s.to_endpoint(_database(install)),
                *(k8s.to_cloud(managed, facts.network) if managed else [k8s.to_endpoint(storage_endpoint())]),
                *k8s.to_api_server(facts.network.api_server_endpoints),
            ],
        ),
        *(managed_database.ca_config_map(NAME, managed.database) if managed else ()),
        k8s.config_map(NAME, "environment", public),
        k8s.secret(NAME, "environment", private),
        k8s.service(NAME, NAME, {"http": (PORT, PORT)}),
        k8s.deployment(NAME, template, recreate=True),
        *(pod_environment().objects() if served(facts.kubernetes_version) else ()),
    )


def _callers() -> list[dict[str, Any]]:
    """The gateway; the control plane's API, which calls as whoever calls it; and its watcher, which the server lets
    read aliases only."""
    return [
        k8s.peer(component_namespace("gateway"), GATEWAY_PODS),
        k8s.peer(SYSTEM_NAMESPACE, control_plane_pods("api")),
        k8s.peer(SYSTEM_NAMESPACE, control_plane_pods("watcher")),
    ]


def _configuration_kind() -> KubernetesObject:
    """The plugin's kind MLflowConfig. Nobody has rights on it; where it is missing, the plugin asks at every call."""
    text = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"artifactRootSecret": text, "artifactRootPath": text}},
        },
    }
    return k8s.obj(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        NAME,
        f"mlflowconfigs.{API_GROUP}",
        namespaced=False,
        spec={
            "group": API_GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": "MLflowConfig",
                "listKind": "MLflowConfigList",
                "plural": "mlflowconfigs",
                "singular": "mlflowconfig",
            },
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    )


def _pod(settings: TrackingSettings, install: Install) -> dict[str, Any]:
    database = install.managed.database if install.managed else None
    variables = [{"configMapRef": {"name": "environment"}}, {"secretRef": {"name": "environment"}}]
    health = {"httpGet": {"path": "/health", "port": PORT}, "timeoutSeconds": 5}
    common = {
        "image": install.images[TRACKING_IMAGE],
        "envFrom": variables,
        "securityContext": k8s.container_security(),
        "volumeMounts": [k8s.TMP_MOUNT, *(managed_database.ca_mount(database) if database else [])],
    }
    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(),
        "terminationGracePeriodSeconds": 40,
        "initContainers": [
            {
                "name": "migrate",
                "command": ["python3", "-m", "components.tracking.server.migrate"],
                "resources": k8s.resources("50m", "256Mi", settings.memory),
                **common,
            }
        ],
        "containers": [
            {
                "name": "mlflow",
                "command": ["python3", "-m", "uvicorn", "--factory", "components.tracking.server.app:create"],
                "args": [
                    "--host=0.0.0.0",
                    f"--port={PORT}",
                    "--no-access-log",
                    "--no-proxy-headers",
                    "--no-server-header",
                    "--timeout-graceful-shutdown=30",
                ],
                "ports": [{"name": "http", "containerPort": PORT}],
                "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 90},
                "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 3},
                "livenessProbe": {**health, "periodSeconds": 20, "failureThreshold": 4},
                "resources": k8s.resources("100m", "384Mi", settings.memory),
                **common,
            }
        ],
        "volumes": [k8s.scratch("tmp", "4Gi"), *(managed_database.ca_volume(database) if database else [])],
    }
