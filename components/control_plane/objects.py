"""API and console, worker and watcher in mlp-system; their rights, their secrets, and who may talk to whom.

The API sees what runs in workspaces and may stop it (rights.py), and makes tokens of the account that speaks for people
(people.py); worker and watcher hold what reconciling needs. Only the migration, an init container of the API, knows the
password of the tables' owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.control_plane import queue
from components.control_plane.images import CONTROL_PLANE_IMAGE, QUEUE_IMAGE
from components.control_plane.names import (
    ADMIN_PASSWORD,
    NAME,
    PORT,
    QUEUE,
    QUEUE_PASSWORD,
    QUEUE_PORT,
    QUEUE_USER,
    STORAGE_KEY,
    pods,
)
from components.control_plane.people import people_objects
from components.control_plane.placing import SYSTEM, deployment, workload
from components.control_plane.rights import API_RULES
from components.control_plane.settings import ControlPlaneSettings
from components.database import managed as managed_database
from components.database.names import DATABASES, password_name
from components.gateway.names import GATEWAY_PODS, HOP_SECRET, TRACKING_HOP_SECRET
from components.isolation.rbac import control_plane_rules
from components.names import (
    API_SERVICE_ACCOUNT,
    CONTROL_PLANE_SERVICE_ACCOUNT,
    SYSTEM_NAMESPACE,
    component_namespace,
)
from components.notebooks.names import PEOPLE_SECRET
from components.storage.objects import ROOT_SECRET
from components.tracking.names import READER_SECRET

_OWNER, _APPLICATION = next(d.roles for d in DATABASES if d.namespace == SYSTEM_NAMESPACE)
_DATABASE = next(d.name for d in DATABASES if d.namespace == SYSTEM_NAMESPACE)
_FACTS = "platform-facts"
_RBAC = "rbac.authorization.k8s.io"
_PARTS = ("api", "worker", "watcher")
_STORAGE_FOLDER = "/etc/mlp/storage"
_TRACKING_FOLDER = "/etc/mlp/tracking"


def objects(settings: ControlPlaneSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """In apply order. A change of facts, environment or secrets rolls the pods that read them."""
    secrets = install.secrets
    facts = {"facts.json": install.facts.model_dump_json(indent=1)}
    runtime = {
        "database-password": secrets[password_name(_APPLICATION)],
        "queue-password": secrets[QUEUE_PASSWORD],
    }
    gateway = {"gateway-secret": secrets[HOP_SECRET]} | _tracking_secret(install)
    if install.facts.notebooks:
        gateway["people-secret"] = secrets[PEOPLE_SECRET]
    owner = {"owner-password": secrets[password_name(_OWNER)], "admin-password": secrets[ADMIN_PASSWORD]}
    managed = install.managed
    storage = {"key": secrets[STORAGE_KEY]} | ({} if managed else {"root-secret": secrets[ROOT_SECRET]})
    tracking = {"tracking-secret": secrets[READER_SECRET]} if install.facts.tracking else {}
    environment = _environment(settings, install)
    config = k8s.digest(facts, environment, runtime)
    rules = control_plane_rules(features=install.facts.kubeflow_pipelines is not None)
    return (
        k8s.namespace(SYSTEM),
        k8s.service_account(SYSTEM, CONTROL_PLANE_SERVICE_ACCOUNT, managed),
        k8s.service_account(SYSTEM, API_SERVICE_ACCOUNT),
        *_role(NAME, CONTROL_PLANE_SERVICE_ACCOUNT, rules),
        *_role(API_SERVICE_ACCOUNT, API_SERVICE_ACCOUNT, API_RULES),
        *people_objects(),
        k8s.default_deny(SYSTEM),
        *_policies(install),
        *(managed_database.ca_config_map(SYSTEM, managed.database) if managed else ()),
        k8s.config_map(SYSTEM, _FACTS, facts),
        k8s.config_map(SYSTEM, "control-plane", environment),
        k8s.secret(SYSTEM, "control-plane", runtime),
        k8s.secret(SYSTEM, "control-plane-gateway", gateway),
        k8s.secret(SYSTEM, "control-plane-owner", owner),
        k8s.secret(SYSTEM, "control-plane-storage", storage),
        *([k8s.secret(SYSTEM, "control-plane-tracking", tracking)] if tracking else []),
        *queue.objects(settings, install.images[QUEUE_IMAGE], secrets[QUEUE_PASSWORD], install.facts.storage_class),
        _service(),
        _deployment(settings, install, "api", k8s.digest(config, gateway, owner), settings.replicas),
        _deployment(settings, install, "worker", k8s.digest(config, storage), settings.replicas),
        _deployment(settings, install, "watcher", k8s.digest(config, storage, tracking), 1),
    )


def _address(install: Install) -> str:
    """host:port of the database."""
    if install.facts.database is None:
        raise ValueError("the control plane needs the component database; switch it on")
    return install.facts.database.url.partition("://")[2]


def _tracking_secret(install: Install) -> dict[str, str]:
    """The web application calls MLflow as the person who calls it, over the gateway's own hop."""
    return {"tracking-secret": install.secrets[TRACKING_HOP_SECRET]} if install.facts.tracking else {}


def _environment(settings: ControlPlaneSettings, install: Install) -> dict[str, str]:
    """What is no secret. Files of secrets that a pod does not mount are not named to it."""
    return {
        "MLP_FACTS_FILE": "/etc/mlp/facts/facts.json",
        "MLP_DATABASE_URL": f"postgresql+psycopg://{_APPLICATION}@{_address(install)}/{_DATABASE}",
        "MLP_DATABASE_PASSWORD_FILE": "/etc/mlp/secrets/database-password",
        "MLP_BROKER_URL": f"redis://{QUEUE_USER}@{QUEUE}.{SYSTEM_NAMESPACE}.svc:{QUEUE_PORT}/0",
        "MLP_BROKER_PASSWORD_FILE": "/etc/mlp/secrets/queue-password",
        "MLP_SESSION_HOURS": str(settings.session_hours),
        "MLP_SESSION_IDLE_MINUTES": str(settings.session_idle_minutes),
        "MLP_STREAMS": str(settings.streams),
        "MALLOC_ARENA_MAX": "2",
        **(managed_database.tls(install.managed.database) if install.managed else {}),
    }


def _own_environment(
    part: str, database: str, *, managed: bool, tracking: bool = False, notebooks: bool = False
) -> list[dict[str, Any]]:
    """What only this part is told. `database`: the server's address. `managed`: a cloud keeps objects. `tracking`,
    `notebooks`: the component is there."""
    if part == "api":
        own = {
            "MLP_GATEWAY_SECRET_FILE": "/etc/mlp/gateway/gateway-secret",
        }
        own |= {"MLP_TRACKING_SECRET_FILE": "/etc/mlp/gateway/tracking-secret"} if tracking else {}
        own |= {"MLP_PEOPLE_SECRET_FILE": "/etc/mlp/gateway/people-secret"} if notebooks else {}
    elif part == "migrate":
        own = {
            "MLP_OWNER_DATABASE_URL": f"postgresql+psycopg://{_OWNER}@{database}/{_DATABASE}",
            "MLP_OWNER_DATABASE_PASSWORD_FILE": "/etc/mlp/owner/owner-password",
            "MLP_FIRST_ADMIN_PASSWORD_FILE": "/etc/mlp/owner/admin-password",
        }
    else:
        own = _storage_environment(managed=managed)
    return [{"name": name, "value": value} for name, value in own.items()]


def _storage_environment(*, managed: bool) -> dict[str, str]:
    root = {} if managed else {"MLP_STORAGE_ROOT_SECRET_FILE": f"{_STORAGE_FOLDER}/root-secret"}
    return {**root, "MLP_STORAGE_KEY_FILE": f"{_STORAGE_FOLDER}/key"}


def _role(name: str, account: str, rules: Sequence[Mapping[str, Any]]) -> tuple[KubernetesObject, ...]:
    full = f"mlp-{name}"
    role = k8s.obj(f"{_RBAC}/v1", "ClusterRole", SYSTEM, full, namespaced=False, rules=[dict(rule) for rule in rules])
    binding = k8s.obj(
        f"{_RBAC}/v1", "ClusterRoleBinding", SYSTEM, full, namespaced=False,
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": full},
        subjects=[{"kind": "ServiceAccount", "name": account, "namespace": SYSTEM_NAMESPACE}],
    )  # fmt: skip
    return role, binding


def _policies(install: Install) -> tuple[KubernetesObject, ...]:
    facts = install.facts
    shared = [
        k8s.to_dns(),
        {"to": [k8s.peer(SYSTEM_NAMESPACE, pods("queue"))], "ports": k8s.ports(QUEUE_PORT)},
        *k8s.to_api_server(facts.network.api_server_endpoints),
    ]
    shared += [k8s.to_endpoint(facts.database)] if facts.database else []
    stores = k8s.to_cloud(install.managed, facts.network) if install.managed else []
    stores += [k8s.to_endpoint(endpoint) for endpoint in (facts.storage, facts.storage_admin) if endpoint]
    clients = [{"from": [k8s.peer(SYSTEM_NAMESPACE, pods(part)) for part in _PARTS], "ports": k8s.ports(QUEUE_PORT)}]
    callers = [k8s.peer(component_namespace("gateway"), GATEWAY_PODS)]
    if facts.notebooks:
        callers.append(k8s.peer(facts.notebooks.namespace, facts.notebooks.pod_labels))
    return (
        k8s.allow(
            SYSTEM, "api", pods=pods("api"),
            egress=[*shared, *([k8s.to_endpoint(facts.tracking)] if facts.tracking else [])],
            ingress=[{"from": callers, "ports": k8s.ports(PORT)}],
        ),
        k8s.allow(SYSTEM, "worker", pods=pods("worker"), egress=[*shared, *stores]),
        # The one part besides the gateway that MLflow answers: it reads aliases.
        k8s.allow(
            SYSTEM, "watcher", pods=pods("watcher"),
            egress=[*shared, *stores, *([k8s.to_endpoint(facts.tracking)] if facts.tracking else [])],
        ),
        k8s.allow(SYSTEM, "queue", pods=pods("queue"), ingress=clients),
    )  # fmt: skip


def _service() -> KubernetesObject:
    made = k8s.service(SYSTEM, NAME, {"http": (PORT, PORT)})
    made["spec"]["selector"] = pods("api")
    return made


def _deployment(
    settings: ControlPlaneSettings, install: Install, part: str, config: str, replicas: int
) -> KubernetesObject:  # fmt: skip
    account = API_SERVICE_ACCOUNT if part == "api" else CONTROL_PLANE_SERVICE_ACCOUNT
    template = workload(part, config, _pod(settings, install, part), account=account)
    if install.managed and part != "api":
        template["metadata"]["labels"] |= install.managed.pod_labels
    return deployment(part, template, replicas=replicas)


def _mount(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "mountPath": path, "readOnly": True}


def _secret_volume(name: str, secret: str) -> dict[str, Any]:
    return {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}}


def _follows(install: Install, part: str) -> bool:
    """Whether the part reads aliases of models."""
    return part == "watcher" and install.facts.tracking is not None


def _tracking_environment(install: Install, part: str) -> list[dict[str, Any]]:
    path = f"{_TRACKING_FOLDER}/tracking-secret"
    return [{"name": "MLP_TRACKING_SECRET_FILE", "value": path}] if _follows(install, part) else []


def _more_mounts(install: Install, part: str) -> list[dict[str, Any]]:
    """What only one part mounts."""
    return [_mount("tracking", _TRACKING_FOLDER)] if _follows(install, part) else []


def _pod(settings: ControlPlaneSettings, install: Install, part: str) -> dict[str, Any]:
    """API pods migrate the tables and make the first account before they serve; others wait for the tables."""
    database, managed = _address(install), install.managed is not None
    shared = [k8s.TMP_MOUNT, _mount("facts", "/etc/mlp/facts"), _mount("secrets", "/etc/mlp/secrets")]
    shared += managed_database.ca_mount(install.managed.database) if install.managed else []
    own = _mount("gateway", "/etc/mlp/gateway") if part == "api" else _mount("storage", _STORAGE_FOLDER)
    volumes = [
        k8s.scratch("tmp"),
        {"name": "facts", "configMap": {"name": _FACTS}},
        _secret_volume("secrets", "control-plane"),
        _secret_volume(own["name"], f"control-plane-{own['name']}"),
        *(managed_database.ca_volume(install.managed.database) if install.managed else []),
    ]
    if _follows(install, part):
        volumes.append(_secret_volume("tracking", "control-plane-tracking"))
    base = {
        "image": install.images[CONTROL_PLANE_IMAGE],
        "envFrom": [{"configMapRef": {"name": "control-plane"}}],
        "securityContext": k8s.container_security(),
        "resources": k8s.resources("50m", "96Mi", settings.memory),
    }
    if part == "api":
        volumes.append(_secret_volume("owner", "control-plane-owner"))
        first = {
            **base,
            "name": "migrate",
            "command": ["python3", "-m", "controlplane.manage", "migrate", "bootstrap-admin"],
            "env": _own_environment("migrate", database, managed=managed),
            "volumeMounts": [*shared, _mount("owner", "/etc/mlp/owner")],
        }
    else:
        first = {
            **base,
            "name": "wait",
            "command": ["python3", "-m", "controlplane.manage", "wait-migrated"],
            "volumeMounts": shared,
        }
    main = {
        **base,
        "name": part,
        "command": ["python3", "-m", *command(settings, part)],
        "env": [
            {"name": "MLP_WORKER_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            *_own_environment(
                part,
                database,
                managed=managed,
                tracking=install.facts.tracking is not None,
                notebooks=install.facts.notebooks is not None,
            ),
            *_tracking_environment(install, part),
        ],
        "volumeMounts": [*shared, own, *_more_mounts(install, part)],
        **(_serving() if part == "api" else {}),
    }
    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(volumes=True),
        "terminationGracePeriodSeconds": 45,
        "initContainers": [first],
        "containers": [main],
        "volumes": volumes,
    }


def command(settings: ControlPlaneSettings, part: str, port: int = PORT) -> list[str]:
    """What `python3 -m` runs for `api`, `worker` or `watcher`."""
    if part != "api":
        return [f"controlplane.{part}"]
    return [
        "gunicorn",
        "controlplane.app:from_environment()",
        f"--bind=0.0.0.0:{port}",
        "--workers=1",
        "--worker-class=gthread",
        f"--threads={settings.api_threads}",
        "--worker-tmp-dir=/tmp",
        "--timeout=60",
        "--graceful-timeout=30",
        "--keep-alive=65",
        "--no-control-socket",
        "--log-level=warning",
    ]


def _serving() -> dict[str, Any]:
    alive = {"httpGet": {"path": "/healthz", "port": PORT}, "timeoutSeconds": 5}
    ready = {"httpGet": {"path": "/readyz", "port": PORT}, "timeoutSeconds": 5}
    return {
        "ports": [{"name": "http", "containerPort": PORT}],
        # Endpoints forget the pod first; then it ends what it is serving.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "3"]}}},
        "startupProbe": {**alive, "periodSeconds": 1, "failureThreshold": 90},
        "readinessProbe": {**ready, "periodSeconds": 5},
        "livenessProbe": {**alive, "periodSeconds": 20, "failureThreshold": 4},
    }
