"""The frame that every object of a workspace shares."""

from __future__ import annotations

from typing import Any

from components.contract import KubernetesObject
from components.names import DOMAIN

ANNOTATION_UID = f"{DOMAIN}/uid"
"""On the namespace: UUID of the workspace's record. A namespace with another value, or none, is not ours."""

WORKLOAD_ACCOUNT = "workload"
"""Service account of the workspace's own pods; `default` has no rights at all."""

STORAGE_SECRET = "storage"  # noqa: S105 - the name of the object, not its content
"""Secret with the workspace's S3 credentials, as AWS_* variables."""


def namespaced(api_version: str, kind: str, namespace: str, name: str, **content: Any) -> KubernetesObject:
    """An object of a workspace before it gets its labels of ownership."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **content}
