"""The containers of an instance, and the configuration of its server. Pure; flags are those of the release in names.py.

The server runs in its form for one user: it asks nobody who calls. Who reaches it is decided before, by the gateway and
by the workspace's NetworkPolicies.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from components import kubernetes as k8s
from components.facts import KubeflowPipelines
from components.kubeflow_pipelines.names import CONFIG, GRPC_PORT, HTTP_PORT, METADATA_PORT, METADATA_SERVICE, SERVICE
from components.tracking.workspace import WORKLOAD_SERVICE_ACCOUNT

_CONFIG_FOLDER = "/etc/kubeflow-pipelines"
_TOKENS = "/var/run/secrets/kubeflow/tokens"
_AUDIENCE = "pipelines.kubeflow.org"
_DATABASE_PORT = 3306
_LOOPBACK = "127.0.0.1"
_DATA = "/data/mariadb"
_SOCKET = "/tmp/mariadb.sock"  # noqa: S108 - a folder of the container's own
_DATABASE, _METADATA_DATABASE = "mlpipeline", "metadb"
_PREPARE = f"""set -e
[ -d {_DATA} ] && exit 0
rm -rf {_DATA}.new
mariadb-install-db --no-defaults --datadir={_DATA}.new --auth-root-authentication-method=normal \\
  --skip-test-db --skip-name-resolve
mv {_DATA}.new {_DATA}
"""
"""A folder that a killed run left half-made is made again."""


def server_configuration(bucket: str, storage_url: str, region: str, folder: str) -> str:
    """config.json of the API server. It holds no secret: the keys of the bucket are in the environment."""
    storage = urlsplit(storage_url)
    https = storage.scheme == "https"
    document = {
        "DBDriverName": "mysql",
        "DBConfig": {
            "ConMaxLifeTime": "120s",
            "MySQLConfig": {
                "Host": _LOOPBACK,
                "Port": str(_DATABASE_PORT),
                "User": "root",
                "Password": "",
                "DBName": _DATABASE,
                "GroupConcatMaxLen": "4194304",
            },
        },
        "ObjectStoreConfig": {
            "Host": storage.hostname,
            "Port": str(storage.port or (443 if https else 80)),
            "Secure": https,
            "Region": region,
            "BucketName": bucket,
            "PipelinePath": f"{folder}/pipelines",
        },
        "InitConnectionTimeout": "6m",
        "DEFAULTPIPELINERUNNERSERVICEACCOUNT": WORKLOAD_SERVICE_ACCOUNT,
        "CacheEnabled": "true",
        "CRON_SCHEDULE_TIMEZONE": "UTC",
        "ARCHIVE_CONFIG_LOG_FILE_NAME": "main.log",
        "ARCHIVE_CONFIG_LOG_PATH_PREFIX": f"/{folder}/logs",
        # Asked for at start; no such server runs here, as no step of the second version uses one.
        "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_HOST": _LOOPBACK,
        "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_PORT": "8889",
        # The first version's pipelines are whole workflows of Argo: those are made without this server.
        "BLOCK_V1_PIPELINES": "true",
        "DEFAULT_SECURITY_CONTEXT_RUN_AS_USER": str(k8s.UID),
        "DEFAULT_SECURITY_CONTEXT_RUN_AS_GROUP": str(k8s.UID),
        "DEFAULT_SECURITY_CONTEXT_RUN_AS_NON_ROOT": "true",
        # The launcher runs in the step's own container and reads there where artifacts go, from the API server. Of a
        # workflow's own field for the token Argo heeds `false` alone.
        "COMPILED_PIPELINE_SPEC_PATCH": json.dumps(
            {"podSpecPatch": json.dumps({"automountServiceAccountToken": True})}
        ),
    }
    return json.dumps(document, indent=1)


def sidecars(image: str) -> list[dict[str, Any]]:
    """The database, which starts before the others and ends after them."""
    ping = {
        "exec": {"command": ["mariadb", "--no-defaults", f"--socket={_SOCKET}", "--user=root", "--execute=SELECT 1"]},
        "timeoutSeconds": 10,
    }
    common = {"image": image, "securityContext": k8s.container_security()}
    mounts = [{"name": "data", "mountPath": "/data"}, k8s.TMP_MOUNT]
    server = [
        "/usr/sbin/mariadbd",
        "--no-defaults",
        f"--datadir={_DATA}",
        f"--socket={_SOCKET}",
        "--pid-file=/tmp/mariadb.pid",
        f"--bind-address={_LOOPBACK}",
        f"--port={_DATABASE_PORT}",
        "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--innodb-buffer-pool-size=48M",
        "--max-connections=100",
    ]
    return [
        {
            **common,
            "name": "prepare",
            "command": ["sh", "-c", _PREPARE],
            "resources": _resources("20m", "96Mi", "400m", "320Mi"),
            "volumeMounts": mounts,
        },
        {
            **common,
            "name": "database",
            "restartPolicy": "Always",
            "command": server,
            "startupProbe": {**ping, "periodSeconds": 2, "failureThreshold": 90},
            "livenessProbe": {**ping, "periodSeconds": 60},
            "resources": _resources("20m", "96Mi", "400m", "320Mi"),
            "volumeMounts": mounts,
        },
    ]


def containers(given: KubeflowPipelines, namespace: str, storage_secret: str) -> list[dict[str, Any]]:
    """The API server, the store of metadata, and the two that follow workflows and schedules."""
    return [
        _api_server(given, namespace, storage_secret),
        _metadata_store(given),
        _follower(
            "persistence-agent",
            given.persistence_agent,
            ["/bin/persistence_agent", "--logtostderr=true", f"--namespace={namespace}", "--numWorker=2",
             "--ttlSecondsAfterWorkflowFinish=86400", f"--mlPipelineAPIServerName={_LOOPBACK}", "--logLevel=warning"],
        ),
        _follower(
            "scheduled-workflow",
            given.scheduled_workflow,
            ["/bin/controller", "--logtostderr=true", f"--namespace={namespace}", "--logLevel=warning",
             f"--mlPipelineAPIServerName={_LOOPBACK}"],
            {"CRON_SCHEDULE_TIMEZONE": "UTC"},
        ),
    ]  # fmt: skip


def _api_server(given: KubeflowPipelines, namespace: str, storage_secret: str) -> dict[str, Any]:
    health = {"httpGet": {"path": "/apis/v2beta1/healthz", "port": HTTP_PORT}, "timeoutSeconds": 10}
    environment = {
        "POD_NAMESPACE": namespace,
        "ML_PIPELINE_SERVICE_NAME": SERVICE,
        "METADATA_SERVICE_NAME": METADATA_SERVICE,
        "V2_DRIVER_IMAGE": given.driver,
        "V2_LAUNCHER_IMAGE": given.launcher,
        "PUBLISH_LOGS": "true",
        "PIPELINE_LOG_LEVEL": "1",
    }
    return {
        "name": "api-server",
        "image": given.api_server,
        "command": ["/bin/apiserver", f"--config={_CONFIG_FOLDER}", "--logtostderr=true", "--logLevel=warning"],
        "env": _environment(environment),
        "envFrom": [{"secretRef": {"name": storage_secret}}],
        "ports": [{"name": "http", "containerPort": HTTP_PORT}, {"name": "grpc", "containerPort": GRPC_PORT}],
        "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 150},
        "readinessProbe": {**health, "periodSeconds": 10},
        "livenessProbe": {**health, "periodSeconds": 30, "failureThreshold": 5},
        "securityContext": k8s.container_security(),
        "resources": _resources("20m", "96Mi", "400m", "384Mi"),
        "volumeMounts": [
            {"name": "config", "mountPath": _CONFIG_FOLDER, "readOnly": True},
            k8s.TMP_MOUNT,
        ],
    }


def _metadata_store(given: KubeflowPipelines) -> dict[str, Any]:
    port = {"tcpSocket": {"port": METADATA_PORT}, "timeoutSeconds": 5}
    return {
        "name": "metadata-store",
        "image": given.metadata_store,
        "command": [
            "/bin/metadata_store_server",
            f"--grpc_port={METADATA_PORT}",
            f"--mysql_config_database={_METADATA_DATABASE}",
            f"--mysql_config_host={_LOOPBACK}",
            f"--mysql_config_port={_DATABASE_PORT}",
            "--mysql_config_user=root",
            "--mysql_config_password=",
            "--enable_database_upgrade=true",
        ],
        "ports": [{"name": "grpc-api", "containerPort": METADATA_PORT}],
        "startupProbe": {**port, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**port, "periodSeconds": 10},
        "livenessProbe": {**port, "periodSeconds": 30},
        "securityContext": k8s.container_security(),
        "resources": _resources("10m", "48Mi", "200m", "256Mi"),
        "volumeMounts": [k8s.TMP_MOUNT],
    }


def _follower(name: str, image: str, command: list[str], environment: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "command": command,
        "env": _environment(environment or {}),
        "securityContext": k8s.container_security(),
        "resources": _resources("10m", "32Mi", "200m", "128Mi"),
        "volumeMounts": [
            {"name": "tokens", "mountPath": _TOKENS, "readOnly": True},
            k8s.TMP_MOUNT,
        ],
    }


def volumes() -> list[dict[str, Any]]:
    """Besides the claim `data`. The two tokens have names that the release fixes, and are for the instance alone."""
    tokens = [
        {"serviceAccountToken": {"path": path, "audience": _AUDIENCE, "expirationSeconds": 3600}}
        for path in ("persistenceagent-sa-token", "scheduledworkflow-sa-token")
    ]
    return [
        {"name": "config", "configMap": {"name": CONFIG}},
        {"name": "tokens", "projected": {"sources": tokens}},
        k8s.scratch("tmp", "256Mi"),
    ]


def _environment(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _resources(cpu: str, memory: str, cpu_limit: str, memory_limit: str) -> dict[str, Any]:
    """A workspace's quota counts limits too, so each container says its own: what it gives to one that does not
    is more than five of them may have together."""
    disk, disk_limit = "16Mi", "256Mi"
    return {
        "requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": disk},
        "limits": {"cpu": cpu_limit, "memory": memory_limit, "ephemeral-storage": disk_limit},
    }
