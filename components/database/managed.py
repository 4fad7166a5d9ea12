"""A cloud's PostgreSQL: nothing runs here but the Job that makes roles and databases on it. Pure."""

from __future__ import annotations

from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.database.images import BIN, DATABASE_IMAGE
from components.database.names import ADMINISTRATOR_PASSWORD, NAME, ROLES, password_name
from components.database.settings import DatabaseSettings
from components.facts import Endpoint
from components.managed import ManagedDatabase

CA_CONFIG_MAP = "database-ca"
CA_FOLDER = "/etc/mlp/database"
_SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"


def endpoint(database: ManagedDatabase) -> Endpoint:
    """Where clients connect; the database is added by each."""
    return Endpoint(
        url=f"postgresql://{database.host}:{database.port}", port=database.port, addresses=database.addresses
    )


def tls(database: ManagedDatabase) -> dict[str, str]:
    """libpq's variables for every client of the server."""
    root = f"{CA_FOLDER}/ca.crt" if database.ca else _SYSTEM_CA
    return {"PGSSLMODE": database.tls, **({} if database.tls == "require" else {"PGSSLROOTCERT": root})}


def ca_config_map(component: str, database: ManagedDatabase) -> tuple[KubernetesObject, ...]:
    """The authority for pods of a component's namespace; nothing where they trust it anyway."""
    return (k8s.config_map(component, CA_CONFIG_MAP, {"ca.crt": database.ca}),) if database.ca else ()


def ca_volume(database: ManagedDatabase) -> list[dict[str, Any]]:
    """The pod's volume with the authority."""
    return [{"name": CA_CONFIG_MAP, "configMap": {"name": CA_CONFIG_MAP}}] if database.ca else []


def ca_mount(database: ManagedDatabase) -> list[dict[str, Any]]:
    """The container's mount of `ca_volume`."""
    return [{"name": CA_CONFIG_MAP, "mountPath": CA_FOLDER, "readOnly": True}] if database.ca else []


def objects(settings: DatabaseSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """The Job is named by what it reads, so that a changed password or server makes a new one."""
    if install.managed is None:
        raise ValueError("components.database.settings.managed needs a cluster that brings a database")
    database = install.managed.database
    passwords = {role: install.secrets[password_name(role)] for role in ROLES}
    passwords["administrator"] = install.secrets[ADMINISTRATOR_PASSWORD]
    image = install.images[DATABASE_IMAGE]
    # Not the administrator's: clouds change that one by themselves, and a Job that is done needs it no more.
    roles = {role: passwords[role] for role in ROLES}
    config = k8s.digest(roles, database.model_dump(mode="json"), image)
    template = k8s.pod_template(NAME, config, _pod(settings, image, database))
    return (
        k8s.namespace(NAME),
        k8s.service_account(NAME),
        k8s.default_deny(NAME),
        k8s.allow(NAME, "server", egress=[k8s.to_dns(), k8s.to_endpoint(endpoint(database))]),
        *ca_config_map(NAME, database),
        k8s.secret(NAME, "passwords", passwords),
        k8s.obj(
            "batch/v1",
            "Job",
            NAME,
            f"prepare-{config}",
            spec={"backoffLimit": 6, "activeDeadlineSeconds": 900, "template": template},
        ),
    )


def _pod(settings: DatabaseSettings, image: str, database: ManagedDatabase) -> dict[str, Any]:
    return {
        "restartPolicy": "OnFailure",
        "securityContext": k8s.pod_security(volumes=True),
        "containers": [
            {
                "name": "prepare",
                "image": image,
                "command": [
                    "python3",
                    "-m",
                    "components.database.prepare",
                    f"--programs={BIN}",
                    "--passwords=/secrets",
                    f"--server={database.host}:{database.port}",
                    f"--administrator={database.administrator}",
                    *(f"--role={role}={name}" for role, name in ROLES.items()),
                ],
                "env": [{"name": name, "value": value} for name, value in tls(database).items()],
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("50m", "64Mi", settings.memory),
                "volumeMounts": [
                    k8s.TMP_MOUNT,
                    {"name": "passwords", "mountPath": "/secrets", "readOnly": True},
                    *ca_mount(database),
                ],
            }
        ],
        "volumes": [
            {"name": "passwords", "secret": {"secretName": "passwords", "defaultMode": 0o440}},
            k8s.scratch("tmp", "64Mi"),
            *ca_volume(database),
        ],
    }
