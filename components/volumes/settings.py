"""Settings of local volumes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from components.contract import ComponentSettings


def _own_folder(value: str) -> str:
    parts = value.split("/")
    if not value.startswith("/") or len(parts) < 3 or "" in parts[1:] or ".." in parts or "." in parts:
        raise ValueError("must be an absolute path of at least two folders, such as /var/lib/mlp-volumes")
    return value


class VolumesSettings(ComponentSettings):
    """Volumes are folders on a node; their size is a promise, not a limit."""

    managed: bool = False
    """The cloud's disks are the volumes (set for targets that are clouds); only their StorageClasses are made here."""
    path: Annotated[str, AfterValidator(_own_folder)] = "/var/lib/mlp-volumes"
    """Folder on every node. It must belong to volumes alone: they are deleted recursively."""
    default_class: bool = True
    """Make `mlp-local` the cluster's default StorageClass."""
    timeout_seconds: int = 120
    """How long making or deleting one folder may take."""
