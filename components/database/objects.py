"""PostgreSQL as a StatefulSet of one pod, open to the two namespaces that have a database in it and to nobody else."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.database import managed
from components.database.images import BIN, DATABASE_IMAGE, VERSION
from components.database.names import DATABASES, NAME, PORT, ROLES, password_name
from components.database.settings import DatabaseSettings
from components.facts import Endpoint
from components.names import component_namespace

_SOCKET = "/run/postgres"
_DATA = f"/data/{VERSION}"


def endpoint() -> Endpoint:
    """Where clients connect; the database is added by each (`DATABASES`)."""
    namespace = component_namespace(NAME)
    return Endpoint(
        url=f"postgresql://{NAME}.{namespace}.svc:{PORT}",
        namespace=namespace,
        pod_labels=k8s.selector(NAME),
        port=PORT,
    )


def host_rules() -> str:
    """pg_hba.conf: each role its own database with its password; the superuser only inside the pod."""
    rows = ["local all postgres peer"]
    rows += [f"host {database} {role} all scram-sha-256" for role, database in ROLES.items()]
    return "\n".join([*rows, "host all all all reject", ""])


def server_settings(settings: DatabaseSettings) -> dict[str, str]:
    """Server parameters, given as arguments: what differs from PostgreSQL's defaults."""
    return {
        "listen_addresses": "*",
        "port": str(PORT),
        "unix_socket_directories": _SOCKET,
        "hba_file": "/etc/postgres/pg_hba.conf",
        "password_encryption": "scram-sha-256",
        "max_connections": str(settings.max_connections),
        "shared_buffers": f"{settings.shared_buffers_mb}MB",
        "work_mem": "4MB",
        "maintenance_work_mem": "48MB",
        "max_wal_size": "512MB",
        "min_wal_size": "64MB",
        "idle_in_transaction_session_timeout": "5min",
        "tcp_keepalives_idle": "60",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_connections": "off",
        "log_min_duration_statement": "2000",
        "log_parameter_max_length": "0",
    }


def objects(settings: DatabaseSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Passwords reach the init container as files; the server itself holds only their verifiers."""
    if settings.managed:
        return managed.objects(settings, install)
    passwords = {role: install.secrets[password_name(role)] for role in ROLES}
    rules = {"pg_hba.conf": host_rules()}
    arguments = [f"-c{key}={value}" for key, value in sorted(server_settings(settings).items())]
    template = k8s.pod_template(
        NAME,
        k8s.digest(passwords, rules, arguments),
        _pod(settings, install.images[DATABASE_IMAGE], arguments),
    )
    return (
        k8s.namespace(NAME),
        k8s.service_account(NAME),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "clients",
            ingress=[
                {"from": [k8s.peer(database.namespace) for database in DATABASES], "ports": k8s.ports(PORT)},
            ],
        ),
        k8s.secret(NAME, "passwords", passwords),
        k8s.config_map(NAME, "rules", rules),
        k8s.service(NAME, NAME, {"postgres": (PORT, PORT)}),
        k8s.stateful_set(NAME, template, k8s.claim(install.facts.storage_class, settings.storage)),
    )


def _pod(settings: DatabaseSettings, image: str, arguments: list[str]) -> dict[str, Any]:
    data = {"name": "data", "mountPath": "/data"}
    socket = {"name": "socket", "mountPath": _SOCKET}
    rules = {"name": "rules", "mountPath": "/etc/postgres", "readOnly": True}
    ready = {"exec": {"command": [f"{BIN}/pg_isready", "--quiet", f"--host={_SOCKET}"]}, "timeoutSeconds": 5}
    return {
        "securityContext": k8s.pod_security(volumes=True),
        "terminationGracePeriodSeconds": 60,
        "initContainers": [
            {
                "name": "prepare",
                "image": image,
                "command": [
                    "python3",
                    "-m",
                    "components.database.prepare",
                    f"--programs={BIN}",
                    f"--data={_DATA}",
                    f"--socket={_SOCKET}",
                    "--hba=/etc/postgres/pg_hba.conf",
                    "--passwords=/secrets",
                    *(f"--role={role}={database}" for role, database in ROLES.items()),
                ],
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("50m", "64Mi", settings.memory),
                "volumeMounts": [
                    data,
                    socket,
                    rules,
                    k8s.TMP_MOUNT,
                    {"name": "passwords", "mountPath": "/secrets", "readOnly": True},
                ],
            }
        ],
        "containers": [
            {
                "name": "postgres",
                "image": image,
                "command": [f"{BIN}/postgres", f"-D{_DATA}"],
                "args": arguments,
                "ports": [{"name": "postgres", "containerPort": PORT}],
                # SIGTERM alone would wait for every client to leave.
                "lifecycle": {
                    "preStop": {"exec": {"command": [f"{BIN}/pg_ctl", "stop", f"--pgdata={_DATA}", "--mode=fast"]}},
                },
                "startupProbe": {**ready, "periodSeconds": 2, "failureThreshold": 150},
                "readinessProbe": {**ready, "periodSeconds": 5},
                "livenessProbe": {**ready, "periodSeconds": 20, "failureThreshold": 6},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("100m", "128Mi", settings.memory),
                "volumeMounts": [data, socket, rules, k8s.TMP_MOUNT],
            }
        ],
        "volumes": [
            {"name": "passwords", "secret": {"secretName": "passwords", "defaultMode": 0o440}},
            {"name": "rules", "configMap": {"name": "rules"}},
            k8s.scratch("socket", "1Mi"),
            k8s.scratch("tmp", "256Mi"),
        ],
    }
