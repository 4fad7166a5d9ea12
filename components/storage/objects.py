"""versitygw as a StatefulSet of one pod: S3 for workspaces and the platform, admin API for the control plane only."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.facts import Endpoint
from components.names import SYSTEM_NAMESPACE, component_namespace
from components.storage.images import STORAGE_IMAGE
from components.storage.settings import StorageSettings

NAME = "storage"
PORT = 9000
ADMIN_PORT = 9001
HEALTH = "/_health"

ROOT_USER = "root"
ROOT_SECRET = "storage-root-secret"  # noqa: S105 - a name
"""Secret key of ROOT_USER, who may everything; only the storage itself and the control plane hold it."""

TRACKING_USER = "tracking"
TRACKING_SECRET = "storage-tracking-secret"  # noqa: S105 - a name
"""Secret key of the tracking server's own user, who reaches its own bucket only."""
TRACKING_BUCKET = "mlflow"

_BUCKETS, _VERSIONS, _USERS = "/data/buckets", "/data/versions", "/data/users"


def endpoint() -> Endpoint:
    """S3, in path style."""
    return _endpoint(PORT)


def admin_endpoint() -> Endpoint:
    """The admin API."""
    return _endpoint(ADMIN_PORT)


def _endpoint(port: int) -> Endpoint:
    namespace = component_namespace(NAME)
    return Endpoint(
        url=f"http://{NAME}.{namespace}.svc:{port}", namespace=namespace, pod_labels=k8s.selector(NAME), port=port
    )


def server_arguments(settings: StorageSettings) -> list[str]:
    """Arguments of the server without addresses. Only a bucket's owner reaches it, unless its policy says otherwise."""
    return [
        f"--region={settings.region}",
        f"--iam-dir={_USERS}",
        f"--health={HEALTH}",
        "--disable-acl",
        # The cache of 1.8.0 keeps names in memory that later requests overwrite: now and then a user is refused for
        # two minutes (about one new user in sixty). Without it each request reads the small file of users.
        "--iam-cache-disable",
        "--quiet",
        f"--max-connections={settings.max_connections}",
        f"--max-requests={settings.max_connections // 2}",
        "posix",
        f"--versioning-dir={_VERSIONS}",
        "--dir-perms=0700",
        "--file-perms=0600",
        _BUCKETS,
    ]


def objects(settings: StorageSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Users live in a file on the volume, so there is one pod; what it read at start is hashed on its template."""
    if settings.managed:
        return ()
    root = {"ROOT_ACCESS_KEY_ID": ROOT_USER, "ROOT_SECRET_ACCESS_KEY": install.secrets[ROOT_SECRET]}
    users = {TRACKING_USER: install.secrets[TRACKING_SECRET]}
    arguments = server_arguments(settings)
    template = k8s.pod_template(
        NAME, k8s.digest(root, users, arguments), _pod(settings, install.images[STORAGE_IMAGE], arguments)
    )
    system = k8s.peer(SYSTEM_NAMESPACE)
    return (
        k8s.namespace(NAME),
        k8s.service_account(NAME),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "clients",
            ingress=[
                {"from": [system, k8s.peer(component_namespace("tracking")), k8s.WORKSPACES], "ports": k8s.ports(PORT)},
                {"from": [system], "ports": k8s.ports(ADMIN_PORT)},
            ],
        ),
        k8s.secret(NAME, "root", root),
        k8s.secret(NAME, "users", users),
        k8s.service(NAME, NAME, {"s3": (PORT, PORT), "admin": (ADMIN_PORT, ADMIN_PORT)}),
        k8s.stateful_set(NAME, template, k8s.claim(install.facts.storage_class, settings.size)),
    )


def _pod(settings: StorageSettings, image: str, arguments: list[str]) -> dict[str, Any]:
    data = {"name": "data", "mountPath": "/data"}
    root = [{"secretRef": {"name": "root"}}]
    health = {"httpGet": {"path": HEALTH, "port": PORT}, "timeoutSeconds": 5}
    server = "/usr/local/bin/versitygw"
    return {
        "securityContext": k8s.pod_security(volumes=True),
        "initContainers": [
            {
                "name": "setup",
                "image": image,
                "command": ["python3", "-m", "components.storage.setup"],
                "args": [
                    *("--folders", _BUCKETS, _VERSIONS, _USERS),
                    f"--health={HEALTH}",
                    f"--region={settings.region}",
                    "--secrets=/secrets",
                    f"--owner={TRACKING_USER}={TRACKING_BUCKET}",
                    *("--", server, *arguments),
                ],
                "envFrom": root,
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("20m", "64Mi", settings.memory),
                "volumeMounts": [
                    data,
                    k8s.TMP_MOUNT,
                    {"name": "users", "mountPath": "/secrets", "readOnly": True},
                ],
            }
        ],
        "containers": [
            {
                "name": "versitygw",
                "image": image,
                "command": [server, f"--port=:{PORT}", f"--admin-port=:{ADMIN_PORT}", *arguments],
                "envFrom": root,
                "ports": [{"name": "s3", "containerPort": PORT}, {"name": "admin", "containerPort": ADMIN_PORT}],
                "startupProbe": {**health, "periodSeconds": 1, "failureThreshold": 60},
                "readinessProbe": {**health, "periodSeconds": 5},
                "livenessProbe": {**health, "periodSeconds": 20, "failureThreshold": 3},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("50m", "64Mi", settings.memory),
                "volumeMounts": [data, k8s.TMP_MOUNT],
            }
        ],
        "volumes": [
            {"name": "users", "secret": {"secretName": "users", "defaultMode": 0o440}},
            k8s.scratch("tmp", "64Mi"),
        ],
    }
