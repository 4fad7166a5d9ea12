"""Keeps the server's own access to object storage inside the workspace of the request that it serves.

MLflow checks paths that callers name in artifact calls. But it also follows locations that callers may store, such as
a trace's tag `mlflow.artifactLocation` or a model version's source, with its own credentials and no such check. Here
every location is checked where a repository for it is made, whatever stored it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.utils.workspace_context import get_request_workspace

from components.tracking.server.locations import permitted

_KEPT = ("mlflow-artifacts", "models", "runs")
"""Schemes that end at the destination's or at this server. The pod's files and foreign hosts are none of a caller's."""


def restrict_repositories(destination: str) -> None:
    """From now on this process makes repositories only of the kept schemes, and of the destination's where `permitted`.

    Raises KeyError where MLflow has no repository for the destination's scheme.
    """
    registry = _artifact_repository_registry._registry
    scheme = urlsplit(destination).scheme
    inner = registry[scheme]

    def guarded(artifact_uri: str, *arguments: object, **options: object) -> ArtifactRepository:
        if not permitted(artifact_uri, destination, get_request_workspace()):
            raise MlflowException("The artifact location is not in this workspace.", error_code=PERMISSION_DENIED)
        return inner(artifact_uri, *arguments, **options)

    for other in [other for other in registry if other not in _KEPT]:
        del registry[other]
    _artifact_repository_registry.register(scheme, guarded)
