"""The hub: one Deployment that the gateway and notebook servers reach."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.database import managed as managed_database
from components.database.names import password_name
from components.database.objects import endpoint as database_endpoint
from components.facts import Endpoint
from components.gateway.names import GATEWAY_PODS, NOTEBOOKS_HOP_SECRET
from components.isolation.priorities import INTERACTIVE
from components.names import SPAWNER_CLUSTER_ROLE, SYSTEM_NAMESPACE, component_namespace
from components.notebooks.hub.settings import FILE_VARIABLE, HubSettings, SizeChoice
from components.notebooks.images import HUB_IMAGE, NOTEBOOK_IMAGE
from components.notebooks.names import (
    COOKIE_SECRET,
    HOST,
    HUB_PODS,
    NAME,
    PEOPLE_SECRET,
    PORT,
    SERVER_PODS,
    SERVER_PORT,
    SERVERS,
)
from components.notebooks.naming import HUB_PATH
from components.notebooks.rbac import HUB_RULES, SPAWNER_RULES
from components.notebooks.settings import NotebooksSettings
from components.tracking.workspace import CONFIG_MAP, FOLDER, WORKLOAD_SERVICE_ACCOUNT, workload_volume

_ROLE = "notebooks"
"""Role and database in the platform's PostgreSQL."""
_FOLDER = "/etc/mlp/hub"
_CONTROL_PLANE_PORT = 8000
_CONTROL_PLANE = f"http://control-plane.{SYSTEM_NAMESPACE}.svc:{_CONTROL_PLANE_PORT}"


def endpoint() -> Endpoint:
    """Where the gateway and the servers find the hub."""
    return Endpoint(url=f"http://{HOST}:{PORT}", namespace=component_namespace(NAME), pod_labels=HUB_PODS, port=PORT)


def hub_settings(settings: NotebooksSettings, install: Install) -> HubSettings:
    """What the hub is told, secrets left out."""
    facts = install.facts
    address = _database(install).url.partition("://")[2]
    return HubSettings(
        public_url=facts.public_url,
        domain=facts.notebooks_domain,
        hub_url=endpoint().url,
        control_plane_url=_CONTROL_PLANE,
        database_url=f"postgresql+psycopg2://{_ROLE}@{address}/{_ROLE}",
        cluster_domain=settings.cluster_domain,
        port=PORT,
        server_port=SERVER_PORT,
        images={"notebook": install.images[NOTEBOOK_IMAGE]},
        sizes={name: SizeChoice(cpu=size.cpu, memory=size.memory) for name, size in settings.sizes.items()},
        gpu_classes=facts.gpu_classes,
        storage_class=facts.storage_class,
        home=settings.home,
        idle_seconds=settings.idle_minutes * 60,
        max_age_seconds=settings.max_age_hours * 3600,
        pod_labels=SERVER_PODS,
        uid=k8s.UID,
        priority_class=INTERACTIVE,
        service_account=WORKLOAD_SERVICE_ACCOUNT,
        environment_config_map=CONFIG_MAP,
        volume=workload_volume(),
        volume_folder=FOLDER,
    )


def objects(settings: NotebooksSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Cluster-wide the hub may only ask what others may do; the control plane binds it in workspaces."""
    managed = install.managed
    config = {"hub.json": hub_settings(settings, install).model_dump_json(indent=1)}
    private = {
        "PGPASSWORD": install.secrets[password_name(_ROLE)],
        "MLP_GATEWAY_SECRET": install.secrets[NOTEBOOKS_HOP_SECRET],
        "MLP_PEOPLE_SECRET": install.secrets[PEOPLE_SECRET],
        "MLP_COOKIE_SECRET": install.secrets[COOKIE_SECRET],
    }
    template = k8s.pod_template(NAME, k8s.digest(config, private), _pod(settings, install))
    spawner = k8s.obj(
        "rbac.authorization.k8s.io/v1", "ClusterRole", NAME, SPAWNER_CLUSTER_ROLE, namespaced=False,
        rules=[dict(rule) for rule in SPAWNER_RULES],
    )  # fmt: skip
    return (
        k8s.namespace(NAME),
        k8s.service_account(NAME),
        *k8s.cluster_role(NAME, NAME, HUB_RULES),
        spawner,
        k8s.default_deny(NAME),
        _traffic(install),
        *(managed_database.ca_config_map(NAME, managed.database) if managed else ()),
        k8s.config_map(NAME, "hub", config),
        k8s.secret(NAME, "hub", private),
        k8s.service(NAME, NAME, {"http": (PORT, PORT)}),
        k8s.deployment(NAME, template, recreate=True),
    )


def _database(install: Install) -> Endpoint:
    return managed_database.endpoint(install.managed.database) if install.managed else database_endpoint()


def _traffic(install: Install) -> KubernetesObject:
    gateway = k8s.peer(component_namespace("gateway"), GATEWAY_PODS)
    return k8s.allow(
        NAME,
        "hub",
        ingress=[{"from": [gateway, SERVERS], "ports": k8s.ports(PORT)}],
        egress=[
            k8s.to_dns(),
            k8s.to_endpoint(_database(install)),
            *k8s.to_api_server(install.facts.network.api_server_endpoints),
            {"to": [k8s.peer(SYSTEM_NAMESPACE)], "ports": k8s.ports(_CONTROL_PLANE_PORT)},
            {"to": [SERVERS], "ports": k8s.ports(SERVER_PORT)},
        ],
    )


def _pod(settings: NotebooksSettings, install: Install) -> dict[str, Any]:
    managed = install.managed
    variables = {FILE_VARIABLE: f"{_FOLDER}/hub.json", "MALLOC_ARENA_MAX": "2"}
    variables |= managed_database.tls(managed.database) if managed else {}
    health = {"httpGet": {"path": f"{HUB_PATH}/health", "port": PORT}, "timeoutSeconds": 5}
    return {
        "automountServiceAccountToken": True,
        "securityContext": k8s.pod_security(),
        "terminationGracePeriodSeconds": 20,
        "containers": [
            {
                "name": "hub",
                "image": install.images[HUB_IMAGE],
                "command": ["python3", "-m", "components.notebooks.hub.app"],
                "env": [{"name": name, "value": value} for name, value in variables.items()],
                "envFrom": [{"secretRef": {"name": "hub"}}],
                "ports": [{"name": "http", "containerPort": PORT}],
                "startupProbe": {**health, "periodSeconds": 1, "failureThreshold": 180},
                "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 3},
                "livenessProbe": {**health, "periodSeconds": 20, "failureThreshold": 4},
                "resources": k8s.resources("30m", "160Mi", settings.memory),
                "securityContext": k8s.container_security(),
                "volumeMounts": [
                    k8s.TMP_MOUNT,
                    {"name": "hub", "mountPath": _FOLDER, "readOnly": True},
                    *(managed_database.ca_mount(managed.database) if managed else []),
                ],
            }
        ],
        "volumes": [
            {"name": "hub", "configMap": {"name": "hub"}},
            k8s.scratch("tmp", "256Mi"),
            *(managed_database.ca_volume(managed.database) if managed else []),
        ],
    }
