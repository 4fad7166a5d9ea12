"""Workspaces as values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from controlplane.model import Command, Paging, Slug, Title, View
from controlplane.quotas.text import ShownQuota, TakenQuota


class WorkspaceState(StrEnum):
    """Answers: can people work in it right now, and if not, what is going on."""

    CREATING = "creating"
    READY = "ready"
    UPDATING = "updating"
    SUSPENDED = "suspended"
    FAILED = "failed"
    """The last operation failed or was parked; what was there before may still run."""
    DELETING = "deleting"
    BLOCKED = "deleting-blocked"
    """Deletion waits for something named in the conditions."""
    DELETED = "deleted"


Feature = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class OfferedFeature(View):
    """What a workspace of this installation gets only where it asks for it."""

    name: str
    summary: str


class ShownCondition(View):
    """One observed fact, as reconcile reported it, with the time it last changed."""

    type: str
    status: bool
    reason: str
    message: str
    since: datetime


class OwnPipelines(View):
    """A workspace's own Kubeflow Pipelines."""

    url: str
    """`host` of the SDK's client, reached with a platform token."""
    image: str
    """What its steps run that are Python functions."""


class Workspace(View):
    id: UUID
    tenant: str
    name: str
    namespace: str
    image: str
    """What its jobs can run without an image of their own: Python, MLflow's client, common libraries."""
    title: str
    state: WorkspaceState
    quota: ShownQuota
    features: tuple[str, ...]
    """What it has beside what every workspace has."""
    kubeflow_pipelines: OwnPipelines | None
    internet: bool
    suspended: bool
    """Suspended itself; a workspace of a suspended tenant has state `suspended` and False here."""
    owner: str | None
    """Name of the account that asked for it."""
    expires_at: datetime | None
    generation: int
    observed_generation: int
    conditions: tuple[ShownCondition, ...]
    operation: UUID | None = None
    """The newest operation on it."""
    version: int
    created_at: datetime
    updated_at: datetime


class WorkspaceCreate(Command):
    name: Slug
    title: Title | None = None
    quota: TakenQuota
    features: Annotated[tuple[Feature, ...], Field(max_length=32)] = ()
    expires_at: AwareDatetime | None = None


class WorkspaceUpdate(Command):
    """`never_expires` True takes the expiry away (absent and null mean: unchanged)."""

    title: Title | None = None
    quota: TakenQuota | None = None
    features: Annotated[tuple[Feature, ...], Field(max_length=32)] | None = None
    expires_at: AwareDatetime | None = None
    never_expires: Literal[True] | None = None
    internet: bool | None = None
    """Platform admins only; others ask by a request of kind `exception`."""


class WorkspaceQuery(Paging):
    state: WorkspaceState | None = None


class Change(View):
    """What a changing call on a workspace gives: the workspace as it is now, and the operation that carries it out."""

    workspace: Workspace
    operation: UUID | None
    """None where nothing in the cluster has to change."""
