"""Requests: what somebody asks for, who decides, and how it was decided."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from components.names import Role
from controlplane.members.model import MemberKind, Subject
from controlplane.model import Command, Paging, Reason, Slug, View
from controlplane.quotas.text import TakenQuota
from controlplane.workspaces.model import WorkspaceCreate


class RequestKind(StrEnum):
    WORKSPACE = "workspace"
    QUOTA = "quota"
    MEMBER = "member"
    EXCEPTION = "exception"


class RequestState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class WantWorkspace(Command):
    """A new workspace. Decided by the tenant's admins."""

    kind: Literal[RequestKind.WORKSPACE] = RequestKind.WORKSPACE
    workspace: WorkspaceCreate


class WantQuota(Command):
    """Another quota of a workspace (decided by the tenant's admins), or of the tenant itself (by platform admins)."""

    kind: Literal[RequestKind.QUOTA]
    workspace: Slug | None = None
    quota: TakenQuota


class WantMember(Command):
    """A role for somebody. Decided by the tenant's admins."""

    kind: Literal[RequestKind.MEMBER]
    member: MemberKind = MemberKind.ACCOUNT
    subject: Subject
    role: Role


class WantException(Command):
    """Leave of a rule for one workspace. Decided by platform admins."""

    kind: Literal[RequestKind.EXCEPTION]
    workspace: Slug
    exception: Literal["internet"]


Want = Annotated[WantWorkspace | WantQuota | WantMember | WantException, Field(discriminator="kind")]


class RequestCreate(Command):
    want: Want
    reason: Reason


class Answer(Command):
    reason: Reason


class Approvers(StrEnum):
    """Who may decide."""

    TENANT_ADMINS = "tenant-admins"
    PLATFORM_ADMINS = "platform-admins"


class TraceEntry(View):
    """One consideration on the way to the decision, in words for the people concerned."""

    at: datetime
    rule: str
    outcome: str


class Request(View):
    id: UUID
    tenant: str
    kind: RequestKind
    state: RequestState
    want: dict[str, Any]
    """As asked, in the API's text form."""
    summary: str
    """One line, such as `workspace vision: 2 cores, 4Gi memory, 10Gi storage`."""
    reason: str
    requester: str
    approvers: Approvers
    fits: bool
    """Whether the tenant's quota has room for it now."""
    decided_by: str | None
    """Account, or `rule:<name>` where the tenant's rules decided."""
    decision_reason: str | None
    trace: tuple[TraceEntry, ...]
    operation: UUID | None
    can_decide: bool
    """Whether the caller may approve or reject it."""
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None


class RequestQuery(Paging):
    tenant: Slug | None = None
    state: RequestState | None = None
    kind: RequestKind | None = None
    mine: bool | None = None
    """Only the caller's own."""
    decidable: bool | None = None
    """Only pending ones that the caller may decide."""


class Preview(View):
    """What would happen to a request if it were made now."""

    outcome: Literal["approved", "needs-approval", "refused"]
    approvers: Approvers
    why: tuple[str, ...]
    """Sentences for the person who asks."""
