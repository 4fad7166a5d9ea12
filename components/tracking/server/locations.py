"""Which places of the object storage the tracking server may touch for a workspace. Pure."""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit


def permitted(uri: str, destination: str, workspace: str | None) -> bool:
    """Whether the server may use `uri` for a request in `workspace`.

    The destination itself is: MLflow makes one repository of it and gives that one checked paths only. Anything else
    must be below `<destination>/workspaces/<workspace>/`, written plainly: no queries, no `.` or `..`, no escapes.
    """
    root, asked = urlsplit(destination), urlsplit(uri)
    if (asked.scheme, asked.netloc) != (root.scheme, root.netloc) or asked.query or asked.fragment:
        return False
    if asked.path.rstrip("/") == root.path.rstrip("/"):
        return True
    if not workspace or "%" in asked.path or "\\" in asked.path or "//" in asked.path:
        return False
    if posixpath.normpath(asked.path) != asked.path.rstrip("/"):
        return False
    return asked.path.startswith(f"{root.path.rstrip('/')}/workspaces/{workspace}/")
