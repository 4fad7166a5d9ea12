"""The tracking server as the caller of a request sees it."""

from __future__ import annotations

from controlplane.errors import Refused, Unavailable
from controlplane.gate.model import Refusal, of_person
from controlplane.gate.service import active_tenants
from controlplane.tracking.client import Tracking, TrackingWorkspace
from controlplane.work import Work

_WORDS = {
    "token-scope": "This token is not for MLflow; make one with the scope `tracking`.",
    "tenant-suspended": "Your tenants are suspended.",
}


def as_caller(work: Work, tracking: Tracking | None, namespace: str) -> TrackingWorkspace:
    """Refused where the gateway would not let the caller through to MLflow; Unavailable where there is none."""
    if tracking is None:
        raise Unavailable("MLflow is not installed here; the component tracking is switched off.")
    found = of_person(work.principal, active_tenants(work, work.principal))
    if isinstance(found, Refusal):
        raise Refused(_WORDS.get(found.reason, "MLflow is closed to you."), code=found.reason)
    return tracking.workspace(namespace, found)
