"""Model endpoints: who may call one, and which service it is.

RBAC decides: the caller needs `create` on `inferenceservices/predict` of that name in that namespace. Whoever may not
gets the same refusal, whether or not there is such an endpoint, workspace or tenant.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from components.serving.names import PATH, endpoint_of
from controlplane.gate.model import Identity, Refusal
from controlplane.gate.ports import CallReviewer

SERVICE_HEADER = "X-Upstream"
_PREFIX = f"{PATH}/"
_Question = tuple[str, tuple[str, ...], str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class EndpointCall:
    """A call that may be made, and where it goes: `service.namespace`."""

    identity: Identity
    service: str

    def headers(self) -> dict[str, str]:
        return {**self.identity.headers(), SERVICE_HEADER: self.service}


class CachedCalls:
    """Remembers answers, yes and no, for `seconds`: taking a member away acts after this time."""

    def __init__(
        self, reviewer: CallReviewer, *, seconds: float = 3.0, size: int = 5000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._reviewer = reviewer
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._known: OrderedDict[_Question, tuple[float, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def may_call(self, user: str, groups: tuple[str, ...], namespace: str, endpoint: str) -> bool:
        question = (user, groups, namespace, endpoint)
        with self._lock:
            found = self._known.get(question)
            if found is not None and found[0] > self._clock():
                return found[1]
        answer = self._reviewer.may_call(user, groups, namespace, endpoint)
        with self._lock:
            self._known.pop(question, None)
            self._known[question] = (self._clock() + self._seconds, answer)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return answer


def judged(decision: T, uri: str, calls: CallReviewer | None) -> T | EndpointCall | Refusal:
    """`decision` on who calls, judged further where `uri` (path and query) is below /serving/. `calls` None: there is
    no cluster to ask, so nobody may. Raises Temporary."""
    if not uri.startswith(_PREFIX) or not isinstance(decision, Identity):
        return decision
    endpoint = endpoint_of(uri)
    if endpoint is None or calls is None:
        return Refusal(403, "not-an-endpoint")
    if not calls.may_call(decision.user, decision.groups, endpoint.namespace, endpoint.name):
        return Refusal(403, "not-an-endpoint")
    return EndpointCall(decision, endpoint.service)
