"""The tracking server's ASGI application: `uvicorn --factory components.tracking.server.app:create`.

MLflow's own command starts a process that only starts the server; here one process serves, for half of the memory.
Around MLflow with the Kubernetes plugin stand two guards: callers must be the platform (guard.py), and the server
touches object storage below the caller's workspace only (artifacts.py).
"""

from __future__ import annotations

import os
import uuid

from components.tracking.server.guard import ASGIApp, GatewayGuard

_SECRET = "MLP_GATEWAY_SECRET"  # noqa: S105 - a name
_READER_SECRET = "MLP_READER_SECRET"  # noqa: S105 - a name


class ConfigurationError(Exception):
    """A variable of the environment is missing or wrong; the message names it."""


def create() -> ASGIApp:
    """The application. Raises ConfigurationError; fails closed where MLflow's plugin is not what was tested."""
    secret, reader = _secret(_SECRET, "the gateway"), _secret(_READER_SECRET, "the control plane")
    searches = os.environ.pop("MLP_SEARCHES", "") == "true"
    destination = _required("MLP_ARTIFACTS")
    # Names that `mlflow server` hands to its workers; MLflow reads them at import.
    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": _required("MLP_DATABASE"),
        "_MLFLOW_SERVER_REGISTRY_STORE": _required("MLP_DATABASE"),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": destination,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_BOOT_ID": uuid.uuid4().hex,
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
    }

    from mlflow.server.handlers import _get_tracking_store, initialize_backend_stores
    from mlflow_kubernetes_plugins.auth.middleware import create_app

    from components.tracking.server.artifacts import restrict_repositories, serve_everything_itself
    from components.tracking.server.experiments import share_default_experiment

    restrict_repositories(destination)
    serve_everything_itself()
    database = os.environ["_MLFLOW_SERVER_FILE_STORE"]
    initialize_backend_stores(
        database, database, "mlflow-artifacts:/", workspace_store_uri=_required("MLFLOW_WORKSPACE_STORE_URI")
    )
    share_default_experiment(_get_tracking_store())
    return GatewayGuard(create_app(), secret, reader, searches=searches)


def _secret(name: str, sender: str) -> str:
    """Taken out of the environment, which MLflow hands on."""
    value = os.environ.pop(name, "")
    if len(value) < 32:
        raise ConfigurationError(f"{name} must hold the secret that {sender} sends, of at least 32 characters")
    return value


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value
