"""Who GCP lets do what with a bucket: role bindings, by member and by the role's permissions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_OBJECTS = {f"storage.objects.{verb}" for verb in ("create", "delete", "get", "list", "restore", "update")}
_UPLOADS = {f"storage.multipartUploads.{verb}" for verb in ("abort", "create", "list", "listParts")}
_FOLDERS = {
    f"storage.{kind}.{verb}" for kind in ("folders", "managedFolders") for verb in ("create", "delete", "get", "list")
}
_BUCKET = {f"storage.buckets.{verb}" for verb in ("get", "getIamPolicy", "setIamPolicy", "update", "delete")}
ROLES: Mapping[str, frozenset[str]] = {
    "roles/storage.objectUser": frozenset(_OBJECTS | _UPLOADS | _FOLDERS),
    "roles/storage.objectViewer": frozenset({"storage.objects.get", "storage.objects.list"}),
    "roles/storage.legacyBucketReader": frozenset({"storage.buckets.get", "storage.objects.list"}),
    "roles/storage.legacyObjectReader": frozenset({"storage.objects.get"}),
    "roles/storage.legacyBucketOwner": frozenset(
        (_BUCKET - {"storage.buckets.delete"})
        | {"storage.objects.create", "storage.objects.delete", "storage.objects.list"}
    ),
    "roles/storage.admin": frozenset(_OBJECTS | _UPLOADS | _FOLDERS | _BUCKET),
}
"""As Google documents them. An unknown role is an error."""


def pod(number: str, pool: str, namespace: str, account: str) -> str:
    """What GKE's metadata server calls a pod, by its cluster's pool and its service account."""
    return (
        f"principal://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}"
        f"/subject/ns/{namespace}/sa/{account}"
    )


def permitted(
    bindings: Iterable[Mapping[str, Any]], caller: str | None, permission: str, basic: Mapping[str, str] | None = None
) -> bool:
    """`caller`: a principal, or None for the whole world. `basic`: role on a project (`Viewer`) -> the project, of the
    caller."""
    mine = {"allUsers"}
    if caller is not None:
        mine |= {caller, "allAuthenticatedUsers"}
    mine |= {f"project{role}:{project}" for role, project in (basic or {}).items()}
    for binding in bindings:
        if binding.get("condition"):
            raise ValueError("conditions are not evaluated")
        if permission in ROLES[binding["role"]] and mine & set(binding["members"]):
            return True
    return False
