"""What reconciling refuses.

NamespaceTaken   (Permanent)  a namespace of that name exists and is not this workspace's: it is not touched
"""

from __future__ import annotations

from controlplane.errors import Permanent


class NamespaceTaken(Permanent):
    """The namespace belongs to another record, or to nobody we know."""

    def __init__(self, namespace: str, uid: str | None) -> None:
        owner = f"belongs to another workspace ({uid})" if uid else "was not made by this platform"
        super().__init__(
            f"namespace {namespace} exists and {owner}; nothing in it was changed. "
            "Choose another workspace name, or have the cluster's administrator remove that namespace."
        )
