"""Operations: every long action, its steps, and who works on it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from controlplane.model import Paging, Slug, View


class OperationKind(StrEnum):
    WORKSPACE_CREATE = "workspace.create"
    WORKSPACE_UPDATE = "workspace.update"
    WORKSPACE_SUSPEND = "workspace.suspend"
    WORKSPACE_RESUME = "workspace.resume"
    WORKSPACE_DELETE = "workspace.delete"
    WORKSPACE_REPAIR = "workspace.repair"
    """Drift was noticed, or the sweep came round."""
    TENANT_SUSPEND = "tenant.suspend"
    TENANT_RESUME = "tenant.resume"
    TENANT_DELETE = "tenant.delete"


class OperationState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """Tried, or awaiting something; comes round again at `due_at`."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """A retry cannot help."""
    PARKED = "parked"
    """Gave up after the last try; `retry` starts it afresh."""
    CANCELLED = "cancelled"
    """A newer operation made it pointless."""


ACTIVE = frozenset({OperationState.QUEUED, OperationState.RUNNING, OperationState.WAITING})


class StepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Step(View):
    name: str
    state: StepState
    message: str = ""
    started_at: datetime
    ended_at: datetime | None = None


class Operation(View):
    id: UUID
    kind: OperationKind
    state: OperationState
    tenant: str | None
    workspace: str | None
    parent: UUID | None
    actor: str
    """Who caused it: `user:<account>` or `system:<part>`."""
    steps: tuple[Step, ...]
    attempt: int
    message: str
    """Why it waits or failed, in words for the people concerned; empty otherwise."""
    result: dict[str, Any]
    """Figures of the outcome, such as `writes` and `requests`."""
    version: int
    """Grows with every change, so that a stream can tell."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    """When it comes round again, while queued or waiting."""

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


class OperationQuery(Paging):
    tenant: Slug | None = None
    workspace: Slug | None = None
    """Only together with `tenant`."""
    state: OperationState | None = None
    kind: OperationKind | None = None
    parent: UUID | None = None
