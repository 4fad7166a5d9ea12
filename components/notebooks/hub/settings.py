"""What the hub is told: one closed file without secrets, and secrets from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

FILE_VARIABLE = "MLP_HUB_FILE"


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SizeChoice(_Closed):
    cpu: float
    """Cores."""
    memory: int
    """MiB."""


class HubSettings(_Closed):
    """Written by the installer as hub.json."""

    public_url: str
    """The platform's, without a trailing slash."""
    domain: str
    """Servers' host names end in it; with the port where it is not 443."""
    hub_url: str
    """Where pods reach the hub."""
    control_plane_url: str
    database_url: str
    """Without the password, which libpq takes from PGPASSWORD."""
    cluster_domain: str
    port: int
    server_port: int
    images: dict[str, str] = Field(min_length=1)
    """Choice → reference; the first is the default."""
    sizes: dict[str, SizeChoice] = Field(min_length=1)
    gpu_classes: tuple[str, ...] = ()
    storage_class: str = ""
    home: str
    idle_seconds: int
    max_age_seconds: int
    pod_labels: dict[str, str]
    uid: int
    priority_class: str
    service_account: str
    environment_config_map: str
    """ConfigMap of a workspace whose entries are every server's environment."""
    volume: dict[str, object]
    """Pod volume with the pod's token for the platform."""
    volume_folder: str


class HubSecrets(_Closed):
    gateway: SecretStr
    """By which the gateway's word is believed."""
    people: SecretStr
    """By which the control plane answers the hub."""
    cookie: SecretStr
    """Signs what the hub signs; a change of it ends nothing, as the hub keeps no session."""


def load(environ: Mapping[str, str]) -> tuple[HubSettings, HubSecrets]:
    """Raises KeyError, OSError or pydantic's ValidationError where something is missing or wrong."""
    settings = HubSettings.model_validate_json(Path(environ[FILE_VARIABLE]).read_text("utf-8"))
    secrets = HubSecrets(
        gateway=SecretStr(environ["MLP_GATEWAY_SECRET"]),
        people=SecretStr(environ["MLP_PEOPLE_SECRET"]),
        cookie=SecretStr(environ["MLP_COOKIE_SECRET"]),
    )
    return settings, secrets
