"""Keeps the server's own access to object storage inside the workspace of the request that it serves.

MLflow checks paths that callers name in artifact calls. But it also follows locations that callers may store, such as
a trace's tag `mlflow.artifactLocation` or a model version's source, with its own credentials and no such check. Here
every location is checked where a repository for it is made, whatever stored it.

MLflow can also hand out signed addresses of the object storage, and its clients take them. They may name a host that
only the cluster knows, for which clients elsewhere wait in vain, and they outlive a removed right: nobody gets one.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.server import handlers
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.utils.workspace_context import get_request_workspace

from components.tracking.server.locations import permitted

_KEPT = ("mlflow-artifacts", "models", "runs")
"""Schemes that end at the destination's or at this server. The pod's files and foreign hosts are none of a caller's."""


_DIRECT = ("MultipartDownloadMixin", "MultipartUploadMixin", "PresignedUploadMixin")
"""By these MLflow's handlers know a repository whose clients can be sent past the server."""


class _Never:
    """What no repository is an instance of."""


def serve_everything_itself() -> None:
    """From now on the server says that it knows no way past itself, and refuses to make one (not implemented).

    Raises AttributeError where MLflow tells such repositories in another way than what was tested.
    """
    for name in _DIRECT:
        getattr(handlers, name)
        setattr(handlers, name, _Never)


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
