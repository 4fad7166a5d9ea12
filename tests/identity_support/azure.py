"""What Azure allows: role assignments by scope and the role's actions, and tokens that federation takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from controlplane.clouds.azure.grants import Assignment, Federation

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"


@dataclass(frozen=True)
class Definition:
    """A role: actions of the resource manager, and those on data."""

    actions: tuple[str, ...]
    data: tuple[str, ...]


ROLES: Mapping[str, Definition] = {
    # Storage Blob Data Contributor
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Definition(
        (
            f"{_BLOBS}/delete", f"{_BLOBS}/read", f"{_BLOBS}/write",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ),
        tuple(f"{_BLOBS}/blobs/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")),
    ),
    # Reader
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": Definition(("*/read",), ()),
}  # fmt: skip
"""As Microsoft documents them. An unknown role is an error."""


def permitted(assignments: Iterable[Assignment], principal: str, action: str, resource: str) -> bool:
    """Whether the principal may do it with the resource: an assignment at the resource or above it says so."""
    for each in assignments:
        role = ROLES[each.role.rpartition("/")[2]]
        inside = f"{resource.lower()}/".startswith(f"{each.scope.lower().rstrip('/')}/")
        if inside and each.principal == principal and any(_like(a, action) for a in (*role.actions, *role.data)):
            return True
    return False


def exchanged(federations: Iterable[Federation], issuer: str, subject: str, audience: str) -> bool:
    """Whether Entra ID takes a service account's token for the identity's: all three are compared letter by letter."""
    return any(f.issuer == issuer and f.subject == subject and audience in f.audiences for f in federations)


def _like(pattern: str, action: str) -> bool:
    return fnmatchcase(action.lower(), pattern.lower())
