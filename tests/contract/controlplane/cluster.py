"""A cluster in memory behind the Reconciler port, with ways to fail that tests choose by name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from controlplane.errors import ControlPlaneError
from controlplane.reconcile.model import Condition, ConditionType, Drift, Observation, WorkspaceSpec
from controlplane.workspaces.ports import Report

STEPS = ("namespace", "objects", "storage")


def _conditions(ready: bool, reason: str = "AsWanted", message: str = "") -> tuple[Condition, ...]:
    return (
        Condition(ConditionType.NAMESPACE, True, "Present"),
        Condition(ConditionType.OBJECTS, ready, reason, message),
        Condition(ConditionType.READY, ready, reason, message),
    )


class MemoryCluster:
    """Holds the spec last applied per namespace. One lock: two applies of one namespace at once are an error."""

    def __init__(self) -> None:
        self.namespaces: dict[str, WorkspaceSpec] = {}
        self.applies = 0
        self.writes = 0
        self.fail: list[Exception] = []
        """Raised one after the other by the next calls."""
        self.not_ready = 0
        """How many applies still answer `retry`."""
        self.blocked: str = ""
        """What blocks deletions."""
        self.drifted: dict[str, Drift] = {}
        self.pause: Callable[[str], None] = lambda step: None
        self.overlaps = 0
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def apply(self, spec: WorkspaceSpec, report: Report) -> Observation:
        self._enter(spec)
        try:
            for step in STEPS:
                report(step, f"{step} of {spec.namespace}")
                self.pause(step)
            if self.fail:
                raise self.fail.pop(0)
            self.applies += 1
            found = self.namespaces.get(spec.namespace)
            if found is not None and found.uid != spec.uid:
                raise ControlPlaneError(f"{spec.namespace} is of another uid")
            drift = self.drifted.pop(spec.namespace, None)
            writes = 0 if found == spec and drift is None else 1
            self.writes += writes
            self.namespaces[spec.namespace] = spec
            if self.not_ready:
                self.not_ready -= 1
                return Observation(_conditions(False, "Waiting", "a quota is not there yet"), writes, 3, retry=True)
            return Observation(_conditions(True), writes, 3, (drift,) if drift else ())
        finally:
            self._busy.discard(spec.namespace)

    def delete(self, spec: WorkspaceSpec, report: Report) -> Observation:
        self._enter(spec)
        try:
            report("namespace", "deleting")
            if self.fail:
                raise self.fail.pop(0)
            if self.blocked:
                blocked = Condition(ConditionType.DELETION_BLOCKED, True, "FinalizersRemain", self.blocked)
                return Observation((blocked,), 0, 1, retry=True)
            found = self.namespaces.pop(spec.namespace, None)
            return Observation((), 1 if found else 0, 1)
        finally:
            self._busy.discard(spec.namespace)

    def observe(self, spec: WorkspaceSpec) -> Observation:
        drift = self.drifted.get(spec.namespace)
        same = self.namespaces.get(spec.namespace) == spec and drift is None
        return Observation(_conditions(same), 0, 1, (drift,) if drift else ())

    def suspects(self, specs: Iterable[WorkspaceSpec], stopped: Callable[[], bool]) -> tuple[WorkspaceSpec, ...]:
        return tuple(spec for spec in specs if not self.observe(spec).ready)

    def _enter(self, spec: WorkspaceSpec) -> None:
        with self._lock:
            if spec.namespace in self._busy:
                self.overlaps += 1
            self._busy.add(spec.namespace)


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Polls; AssertionError when it does not come true."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)
