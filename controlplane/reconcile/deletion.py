"""The end of a namespace: asked for, waited for, and what holds it up said by name."""

from __future__ import annotations

import time
from dataclasses import dataclass

from components.contract import KubernetesObject
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.errors import ApiError
from controlplane.reconcile.model import Condition, ConditionType, Observation, Report

_BLOCKING = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceContentRemaining",
    "NamespaceFinalizersRemaining",
)

_REPORT_EVERY = 1.0
"""Also without news: reporting is how a worker learns that its lease is another's. Seconds."""


@dataclass(frozen=True)
class Wait:
    """How long to wait for a namespace to go before leaving the rest to a retry. Seconds."""

    total: float = 20.0
    first_pause: float = 0.1
    longest_pause: float = 1.0


@dataclass(frozen=True)
class Deletion:
    """Deletes one namespace."""

    kube: Kube
    namespace: str

    def run(self, found: KubernetesObject | None, report: Report, wait: Wait) -> Observation:
        """`found` is the namespace as just read; only that very one (by uid) is deleted. Waits at most `wait.total`."""
        writes = 0
        if found is not None and not found["metadata"].get("deletionTimestamp"):
            report("namespace", f"deleting {self.namespace}")
            writes += self.kube.delete(resources.NAMESPACE, None, self.namespace, uid=found["metadata"]["uid"])
        deadline = time.monotonic() + wait.total
        pause = wait.first_pause
        last, said = "", time.monotonic()
        while found is not None:
            current = self.kube.find(resources.NAMESPACE, None, self.namespace)
            if current is None or current["metadata"]["uid"] != found["metadata"]["uid"]:
                break
            if time.monotonic() > deadline:
                return self.observe(current, writes)
            if (text := blockers(current)) != last or time.monotonic() - said > _REPORT_EVERY:
                report("namespace", text or f"waiting for the end of {self.namespace}")
                last, said = text, time.monotonic()
            time.sleep(pause)
            pause = min(pause * 1.5, wait.longest_pause)
        return self._observation((
            Condition(ConditionType.READY, False, "Deleted", f"{self.namespace} is gone"),
            Condition(ConditionType.NAMESPACE, False, "Deleted"),
        ), writes, retry=False)  # fmt: skip

    def observe(self, found: KubernetesObject, writes: int = 0) -> Observation:
        """A namespace that is on its way out, and what holds it up."""
        text = blockers(found)
        dead = self._dead_services() if text else ()
        if dead:
            text += f"; these API services do not answer and block every deletion: {', '.join(dead)}"
        blocked = Condition(
            ConditionType.DELETION_BLOCKED, bool(text), "Blocked" if text else "Terminating",
            text or f"{self.namespace} is being deleted",
        )  # fmt: skip
        return self._observation((
            Condition(ConditionType.READY, False, "Terminating", blocked.message),
            Condition(ConditionType.NAMESPACE, False, "Terminating"),
            blocked,
        ), writes, retry=True)  # fmt: skip

    def _observation(self, found: tuple[Condition, ...], writes: int, *, retry: bool) -> Observation:
        return Observation(conditions=found, writes=writes, requests=self.kube.counter.requests, retry=retry)

    def _dead_services(self) -> tuple[str, ...]:
        try:
            services = list(self.kube.list(resources.API_SERVICE))
        except ApiError:
            return ()  # said by the namespace's own condition already
        return tuple(service["metadata"]["name"] for service in services if not _available(service))


def blockers(namespace: KubernetesObject) -> str:
    """What the namespace controller says is in the way: kinds, finalizers, API groups; empty when nothing is yet."""
    found = (namespace.get("status") or {}).get("conditions") or []
    texts = [c.get("message") or c["type"] for c in found if c["type"] in _BLOCKING and c["status"] == "True"]
    return "; ".join(dict.fromkeys(texts))


def _available(service: KubernetesObject) -> bool:
    found = (service.get("status") or {}).get("conditions") or []
    return all(c["status"] == "True" for c in found if c["type"] == "Available")
