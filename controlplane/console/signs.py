"""States as signs: a word, an icon and a status colour, so that colour is never the only sign. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from controlplane.contents.model import ContentKind, ContentState
from controlplane.operations.model import Operation, OperationKind, OperationState, StepState
from controlplane.promotions.model import PromotionState
from controlplane.reconcile.model import ConditionType
from controlplane.requests.model import RequestState
from controlplane.tenants.model import TenantState
from controlplane.workspaces.model import ShownCondition, WorkspaceState


@dataclass(frozen=True)
class Sign:
    """`status` is a modifier of the design system's label: success, info, warning, danger, or empty for neutral."""

    text: str
    status: str
    icon: str


TENANT = {
    TenantState.ACTIVE: Sign("Active", "success", "success"),
    TenantState.SUSPENDED: Sign("Suspended", "warning", "pause"),
    TenantState.DELETING: Sign("Deleting", "info", "sync"),
    TenantState.DELETED: Sign("Deleted", "", "trash"),
}
WORKSPACE = {
    WorkspaceState.CREATING: Sign("Being created", "info", "sync"),
    WorkspaceState.READY: Sign("Ready", "success", "success"),
    WorkspaceState.UPDATING: Sign("Being updated", "info", "sync"),
    WorkspaceState.SUSPENDED: Sign("Suspended", "warning", "pause"),
    WorkspaceState.FAILED: Sign("Failed", "danger", "danger"),
    WorkspaceState.DELETING: Sign("Deleting", "info", "sync"),
    WorkspaceState.BLOCKED: Sign("Deletion waits", "warning", "warning"),
    WorkspaceState.DELETED: Sign("Deleted", "", "trash"),
}
REQUEST = {
    RequestState.PENDING: Sign("Waiting for an answer", "info", "pending"),
    RequestState.APPROVED: Sign("Approved", "success", "success"),
    RequestState.REJECTED: Sign("Rejected", "danger", "danger"),
    RequestState.WITHDRAWN: Sign("Withdrawn", "", "close"),
    RequestState.EXPIRED: Sign("Expired", "", "pending"),
}
UNDER_WAY = frozenset({WorkspaceState.CREATING, WorkspaceState.UPDATING, WorkspaceState.DELETING})
"""States that end by themselves: a page that shows one looks again."""
OPERATION = {
    OperationState.QUEUED: Sign("Queued", "", "pending"),
    OperationState.RUNNING: Sign("Running", "info", "sync"),
    OperationState.WAITING: Sign("Waiting", "warning", "pending"),
    OperationState.SUCCEEDED: Sign("Done", "success", "success"),
    OperationState.FAILED: Sign("Failed", "danger", "danger"),
    OperationState.PARKED: Sign("Gave up", "danger", "danger"),
    OperationState.CANCELLED: Sign("Cancelled", "", "close"),
}
STEP = {
    StepState.RUNNING: Sign("Running", "info", "sync"),
    StepState.DONE: Sign("Done", "success", "success"),
    StepState.FAILED: Sign("Failed", "danger", "danger"),
}
CONTENT = {
    ContentState.WAITING: Sign("Waiting in the queue", "warning", "pending"),
    ContentState.STARTING: Sign("Starting", "info", "sync"),
    ContentState.RUNNING: Sign("Running", "success", "success"),
    ContentState.SUCCEEDED: Sign("Done", "", "check"),
    ContentState.FAILED: Sign("Failed", "danger", "danger"),
    ContentState.STOPPED: Sign("Stopped", "", "pause"),
    ContentState.ENDING: Sign("Being deleted", "info", "sync"),
    ContentState.REGISTERED: Sign("Registered", "", "check"),
}
START = {
    ContentKind.WORKFLOWTEMPLATE: "Run",
    ContentKind.CRONWORKFLOW: "Run now",
    ContentKind.WORKFLOW: "Run again",
}
"""What starting a thing is called on its button."""
CONTENT_KIND = {
    ContentKind.NOTEBOOK: "Notebook",
    ContentKind.TRAINJOB: "TrainJob",
    ContentKind.TFJOB: "TFJob",
    ContentKind.PYTORCHJOB: "PyTorchJob",
    ContentKind.MPIJOB: "MPIJob",
    ContentKind.JOB: "Job",
    ContentKind.EXPERIMENT: "Experiment",
    ContentKind.WORKFLOW: "Workflow",
    ContentKind.CRONWORKFLOW: "Schedule",
    ContentKind.WORKFLOWTEMPLATE: "Template",
    ContentKind.INFERENCESERVICE: "Endpoint",
    ContentKind.MODEL: "Model",
}
PROMOTION = {
    PromotionState.WAITING: Sign("Waiting for an answer", "info", "pending"),
    PromotionState.DONE: Sign("Done", "success", "success"),
    PromotionState.REFUSED: Sign("Refused by the rule", "danger", "danger"),
    PromotionState.REJECTED: Sign("Rejected", "danger", "danger"),
}
_KINDS = {
    OperationKind.WORKSPACE_CREATE: "Create workspace",
    OperationKind.WORKSPACE_UPDATE: "Change workspace",
    OperationKind.WORKSPACE_SUSPEND: "Suspend workspace",
    OperationKind.WORKSPACE_RESUME: "Resume workspace",
    OperationKind.WORKSPACE_DELETE: "Delete workspace",
    OperationKind.WORKSPACE_REPAIR: "Repair workspace",
    OperationKind.TENANT_SUSPEND: "Suspend tenant",
    OperationKind.TENANT_RESUME: "Resume tenant",
    OperationKind.TENANT_DELETE: "Delete tenant",
}
_CONDITIONS = {
    ConditionType.READY: ("Ready", "Not ready"),
    ConditionType.NAMESPACE: ("Namespace ready", "Namespace not ready"),
    ConditionType.OBJECTS: ("Policies and quota in place", "Policies and quota not in place"),
    ConditionType.STORAGE: ("Storage ready", "Storage not ready"),
    ConditionType.SUSPENDED: ("Suspended", "Not suspended"),
    ConditionType.DELETION_BLOCKED: ("Deletion is blocked", "Nothing blocks deletion"),
}
_BAD_WHEN_TRUE = frozenset({ConditionType.SUSPENDED, ConditionType.DELETION_BLOCKED})


def condition(shown: ShownCondition) -> Sign:
    """A condition's sign. `Suspended` and `DeletionBlocked` are bad news when true, the others when false."""
    try:
        known = ConditionType(shown.type)
    except ValueError:
        return Sign(shown.type, "success" if shown.status else "warning", "success" if shown.status else "warning")
    yes, no = _CONDITIONS[known]
    good = shown.status != (known in _BAD_WHEN_TRUE)
    return Sign(yes if shown.status else no, "success" if good else "warning", "success" if good else "warning")


def kind(of: OperationKind) -> str:
    return _KINDS[of]


def about(operation: Operation) -> str:
    """What an operation works on: `acme/vision`, `acme`."""
    return "/".join(part for part in (operation.tenant, operation.workspace) if part)


S = TypeVar("S", bound=StrEnum)


def options(signs: Mapping[S, Sign], leave_out: S | None = None) -> list[tuple[str, str]]:
    """Values and words for a filter."""
    return [(state.value, sign.text) for state, sign in signs.items() if state is not leave_out]
