"""What workspaces need from reconciling: the other side of this protocol talks to Kubernetes and S3."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from controlplane.reconcile.model import Observation, WorkspaceSpec


class Report(Protocol):
    """Called as work proceeds. A new step name ends the step before it; the same name again updates the message.

    It may raise (the lease was lost to another worker): let that pass through, so that two never write at once.
    """

    def __call__(self, step: str, message: str = "") -> None: ...


class Reconciler(Protocol):
    """Idempotent and level-triggered: every call starts from the cluster as it is.

    Outside failures are raised as `controlplane.errors.Temporary` (retry helps, `retry_after` where the other side
    named a time, `waiting=True` where nothing is broken) or `Permanent`; anything else counts as Temporary.
    """

    def apply(self, spec: WorkspaceSpec, report: Report) -> Observation:
        """Make the cluster as the spec wants it. `Observation.retry` True: applied, but not ready yet; called again."""
        ...

    def delete(self, spec: WorkspaceSpec, report: Report) -> Observation:
        """Remove everything. `retry` True: something still terminates; a DELETION_BLOCKED condition names it."""
        ...

    def observe(self, spec: WorkspaceSpec) -> Observation:
        """Compare without writing."""
        ...

    def suspects(self, specs: Iterable[WorkspaceSpec], stopped: Callable[[], bool]) -> tuple[WorkspaceSpec, ...]:
        """Those that a cheap comparison of all at once does not find as wanted; `observe` then tells for sure."""
        ...
