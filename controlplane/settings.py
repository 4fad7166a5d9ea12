"""Typed settings: from the environment, secret files and the facts file. Read once, at start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from components.facts import PlatformFacts
from controlplane.errors import ControlPlaneError


class SettingsError(ControlPlaneError):
    """The process cannot start with these settings."""


class Settings(BaseModel):
    """Everything that differs between installations. Secrets are `SecretStr`, so that they print as asterisks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: SecretStr
    """Of the role that may only do what the application does."""
    broker_url: SecretStr
    facts: PlatformFacts
    gateway_secret: SecretStr | None = None
    """What the gateway sends as X-Mlp-Gateway-Secret; None, as in worker and watcher: nobody speaks for it."""
    people_secret: SecretStr | None = None
    """What the hub of notebooks sends as X-Mlp-Notebooks-Secret; None: there is none."""
    storage_root_secret: SecretStr | None = None
    storage_key: SecretStr | None = None
    """What the S3 keys of workspaces derive from. Only worker and watcher have these two."""
    tracking_secret: SecretStr | None = None
    """By which MLflow believes this process: the API who calls, the watcher that it reads aliases and records searches.
    None: nothing is read from MLflow, no endpoint follows an alias, and no search is recorded."""
    owner_database_url: SecretStr | None = None
    """Of the role that owns the tables; only the migration has it."""
    first_admin_password: SecretStr | None = None
    """Only `manage bootstrap-admin` has it."""
    database_pool: Annotated[int, Field(ge=1, le=100)] = 8
    worker_name: str = ""
    """Set where at most one worker of this name can live (a pod's name): its old leases end when it starts again."""
    session_idle_minutes: Annotated[int, Field(ge=1)] = 60
    session_hours: Annotated[int, Field(ge=1)] = 12
    token_days: Annotated[int, Field(ge=1)] = 30
    token_days_max: Annotated[int, Field(ge=1)] = 365
    lease_seconds: Annotated[float, Field(gt=0)] = 8.0
    sweep_seconds: Annotated[float, Field(gt=0)] = 1.0
    resync_seconds: Annotated[float, Field(gt=0, le=300)] = 240.0
    """A full comparison of every workspace with the cluster takes place this often."""
    follow_seconds: Annotated[float, Field(gt=0, le=5)] = 3.0
    """Model endpoints are compared with their aliases this often."""
    streams: Annotated[int, Field(ge=0)] = 8
    """Live streams at a time per process; beyond them a stream gives the present state and asks to come again."""
    log_level: str = "INFO"

    @property
    def public_url(self) -> str:
        return self.facts.public_url


_PLAIN = {
    "MLP_DATABASE_POOL": "database_pool",
    "MLP_WORKER_NAME": "worker_name",
    "MLP_SESSION_IDLE_MINUTES": "session_idle_minutes",
    "MLP_SESSION_HOURS": "session_hours",
    "MLP_LEASE_SECONDS": "lease_seconds",
    "MLP_SWEEP_SECONDS": "sweep_seconds",
    "MLP_RESYNC_SECONDS": "resync_seconds",
    "MLP_FOLLOW_SECONDS": "follow_seconds",
    "MLP_STREAMS": "streams",
    "MLP_LOG_LEVEL": "log_level",
}
_URLS = {
    "database_url": "MLP_DATABASE_URL",
    "owner_database_url": "MLP_OWNER_DATABASE_URL",
    "broker_url": "MLP_BROKER_URL",
}
_SECRETS = {
    "gateway_secret": "MLP_GATEWAY_SECRET_FILE",
    "people_secret": "MLP_PEOPLE_SECRET_FILE",
    "tracking_secret": "MLP_TRACKING_SECRET_FILE",
    "first_admin_password": "MLP_FIRST_ADMIN_PASSWORD_FILE",
    "storage_root_secret": "MLP_STORAGE_ROOT_SECRET_FILE",
    "storage_key": "MLP_STORAGE_KEY_FILE",
}


def _read(path: str, name: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise SettingsError(f"{name} names {path}, which cannot be read ({error.strerror}); mount it there") from error


def with_password(url: str, password: str) -> str:
    """The URL with the password in its place. SettingsError when it has no host."""
    parts = urlsplit(url)
    if parts.hostname is None:
        raise SettingsError(f"{parts.scheme}:… is no URL with a host; write scheme://user@host:port/name")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    user = quote(parts.username or "", safe="")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}{port}"))


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from MLP_* variables. Passwords come from files named by `<variable>` with `_URL` → `_PASSWORD_FILE`.

    Raises SettingsError naming every variable that is missing or wrong.
    """
    values: dict[str, object] = {field: environ[name] for name, field in _PLAIN.items() if name in environ}
    for field, name in _URLS.items():
        if url := environ.get(name):
            password = environ.get(name.removesuffix("_URL") + "_PASSWORD_FILE")
            values[field] = with_password(url, _read(password, name)) if password else url
    for field, name in _SECRETS.items():
        if path := environ.get(name):
            values[field] = _read(path, name)
    if path := environ.get("MLP_FACTS_FILE"):
        try:
            values["facts"] = PlatformFacts.model_validate_json(_read(path, "MLP_FACTS_FILE"))
        except ValidationError as error:
            raise SettingsError(f"{path} does not hold the platform's facts: {error}") from error
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        variables = {**{f: v for v, f in _PLAIN.items()}, **_URLS, **_SECRETS, "facts": "MLP_FACTS_FILE"}
        wrong = ", ".join(f"{variables.get(str(e['loc'][0]), e['loc'][0])}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"settings are missing or wrong: {wrong}") from None
