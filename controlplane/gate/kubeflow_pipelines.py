"""Kubeflow Pipelines of workspaces: who may call one, and which service it is.

RBAC decides: the caller needs `get` on `runs.pipelines.kubeflow.org` in that namespace to read, `create` for anything
else. Whoever may not gets the same refusal, whether or not there is such an instance, workspace or tenant, and so does
everybody where the workspace or its tenant is suspended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from components.kubeflow_pipelines.names import GROUP, PATH, RUNS, instance_of, service_of, uploads
from controlplane.gate.model import SERVICE_HEADER, Identity, Refusal
from controlplane.gate.ports import AccessReviewer
from controlplane.gate.service import GateService
from controlplane.http.caller import SAFE_METHODS
from controlplane.kube.client import Access

NOT_YOURS = Refusal(403, "not-an-instance")
_PREFIX = f"{PATH}/"
T = TypeVar("T")


@dataclass(frozen=True)
class InstanceCall:
    """A call that may be made, and whose instance answers it."""

    identity: Identity
    namespace: str

    def headers(self) -> dict[str, str]:
        return {**self.identity.headers(), SERVICE_HEADER: service_of(self.namespace)}


def changes(method: str, uri: str) -> bool:
    """Whether a call of an instance may change something there. Pure."""
    return method not in SAFE_METHODS or uploads(uri)


def within(decision: T, uri: str, gate: GateService) -> T | Refusal:
    """`decision` on who calls; refused where `uri` (path and query) is below /kfp/ and names no workspace in use."""
    if not uri.startswith(_PREFIX) or not isinstance(decision, Identity):
        return decision
    namespace = instance_of(uri)
    return decision if namespace is not None and gate.closed(namespace) is None else NOT_YOURS


def judged(decision: T, method: str, uri: str, access: AccessReviewer | None) -> T | InstanceCall | Refusal:
    """`decision` on who calls, judged further where `uri` (path and query) is below /kfp/. `access` None: there is no
    cluster to ask, so nobody may. Raises Temporary."""
    if not uri.startswith(_PREFIX) or not isinstance(decision, Identity):
        return decision
    namespace = instance_of(uri)
    if namespace is None or access is None:
        return NOT_YOURS
    question = Access(
        user=decision.user, groups=decision.groups, verb="create" if changes(method, uri) else "get", group=GROUP,
        resource=RUNS, namespace=namespace,
    )  # fmt: skip
    return InstanceCall(decision, namespace) if access.allowed(question) else NOT_YOURS
