"""Keeps the server's own S3 access inside the workspace of the request that it serves.

MLflow checks paths that callers name in artifact calls. But it also follows locations that callers may store, such as
a trace's tag `mlflow.artifactLocation` or a model version's source, with its own credentials and no such check. Here
every location is checked where a repository for it is made, whatever stored it.
"""

from __future__ import annotations

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from mlflow.utils.workspace_context import get_request_workspace

from components.tracking.server.locations import permitted

_KEPT = ("mlflow-artifacts", "models", "runs")
"""Schemes that end at `s3` again or at this server. Files of the pod and foreign hosts are none of a caller's."""


def restrict_repositories(destination: str) -> None:
    """From now on this process makes repositories only of the kept schemes, and of S3 where `permitted`."""

    def guarded(artifact_uri: str, *arguments: object, **options: object) -> S3ArtifactRepository:
        if not permitted(artifact_uri, destination, get_request_workspace()):
            raise MlflowException("The artifact location is not in this workspace.", error_code=PERMISSION_DENIED)
        return S3ArtifactRepository(artifact_uri, *arguments, **options)

    registry = _artifact_repository_registry._registry
    for scheme in [scheme for scheme in registry if scheme not in _KEPT]:
        del registry[scheme]
    _artifact_repository_registry.register("s3", guarded)
