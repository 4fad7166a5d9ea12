"""Model endpoints: who may call one, and which service it is.

RBAC decides: the caller needs `create` on `inferenceservices/predict` of that name in that namespace. Whoever may not
gets the same refusal, whether or not there is such an endpoint, workspace or tenant. It is asked about the name in the
address alone: canaries answer in that endpoint's stead, and only who may change an endpoint makes a canary of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from components.serving.names import API_GROUP, PATH, PREDICT, SERVED_BY, WAKING, EndpointAddress, endpoint_of
from controlplane.gate.endpoints import CachedEndpoints
from controlplane.gate.model import SERVICE_HEADER, Identity, Refusal
from controlplane.gate.ports import AccessReviewer
from controlplane.gate.uses import EndpointUses
from controlplane.kube.client import Access
from controlplane.serving.endpoints import chosen

_PREFIX = f"{PATH}/"
T = TypeVar("T")


@dataclass(frozen=True)
class EndpointCall:
    """A call that may be made, and who answers it."""

    identity: Identity
    target: EndpointAddress

    def headers(self) -> dict[str, str]:
        return {**self.identity.headers(), SERVICE_HEADER: self.target.service, SERVED_BY: self.target.name}


@dataclass(frozen=True)
class EndpointGate:
    """Judges calls of model endpoints."""

    access: AccessReviewer
    endpoints: CachedEndpoints | None = None
    """None: there are no canaries."""
    draw: Callable[[], float] = random.random
    """Evenly distributed in [0, 1), for each call anew."""
    uses: EndpointUses | None = None
    """Whom to tell of calls; None: no endpoint sleeps."""

    def judged(self, identity: Identity, uri: str) -> EndpointCall | Refusal:
        """Raises Temporary where nobody can tell."""
        asked = endpoint_of(uri)
        if asked is None or not self.access.allowed(_question(identity, asked)):
            return Refusal(403, "not-an-endpoint")
        if self.endpoints is None:
            return EndpointCall(identity, asked)
        found = self.endpoints.of(asked.namespace)
        known = found.get(asked.name)
        if known is not None and self.uses is not None and (known.asleep or known.idle_minutes):
            self.uses.called(asked.namespace, asked.name, asleep=known.asleep)
        if known is not None and known.asleep:
            return Refusal(503, WAKING)
        return EndpointCall(identity, EndpointAddress(asked.namespace, chosen(found, asked.name, self.draw())))


def _question(identity: Identity, asked: EndpointAddress) -> Access:
    return Access(
        user=identity.user, groups=identity.groups, verb="create", group=API_GROUP, resource="inferenceservices",
        subresource=PREDICT, namespace=asked.namespace, name=asked.name,
    )  # fmt: skip


def judged(decision: T, uri: str, gate: EndpointGate | None) -> T | EndpointCall | Refusal:
    """`decision` on who calls, judged further where `uri` (path and query) is below /serving/. `gate` None: there is
    no cluster to ask, so nobody may. Raises Temporary."""
    if not uri.startswith(_PREFIX) or not isinstance(decision, Identity):
        return decision
    return Refusal(403, "not-an-endpoint") if gate is None else gate.judged(decision, uri)
