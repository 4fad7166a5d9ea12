"""What reconciling refuses or could not do.

    NamespaceTaken   (Permanent)  a namespace of that name exists and is not this workspace's: it is not touched
    NamespaceEnding  (Temporary)  the same, but it is on its way out: the name becomes free
    ApplyFailed      (Permanent)  some objects were refused; the others are as wanted
    ApplyIncomplete  (Temporary)  some objects could not be written now; the others are as wanted

The last two carry the Observation, with every single failure in its conditions.
"""

from __future__ import annotations

from controlplane.errors import Permanent, Temporary
from controlplane.reconcile.model import Observation


class NamespaceTaken(Permanent):
    """The namespace belongs to another record, or to nobody we know."""

    def __init__(self, namespace: str, uid: str | None) -> None:
        owner = f"belongs to another workspace ({uid})" if uid else "was not made by this platform"
        super().__init__(
            f"namespace {namespace} exists and {owner}; nothing in it was changed. "
            "Choose another workspace name, or have the cluster's administrator remove that namespace."
        )


class NamespaceEnding(Temporary):
    """The namespace of an earlier record is still being deleted."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"namespace {namespace} of an earlier workspace is still being deleted", waiting=True)


class ApplyFailed(Permanent):
    """Trying again cannot help for at least one object."""

    def __init__(self, message: str, observation: Observation) -> None:
        super().__init__(message)
        self.observation = observation


class ApplyIncomplete(Temporary):
    """Every failure may pass by itself."""

    def __init__(self, message: str, observation: Observation, retry_after: float | None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.observation = observation
