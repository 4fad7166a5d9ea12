"""Tenants as values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from components.names import Role
from controlplane.model import Command, Paging, Slug, Title, View
from controlplane.quotas.text import ShownQuota, TakenQuota


class TenantState(StrEnum):
    """`deleted` is a tombstone: audit and operations still name it, lists do not."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    DELETED = "deleted"


class Rules(Command):
    """What is granted in a tenant without an approver."""

    self_service: bool = True
    """Members may ask for workspaces and quota."""
    auto_approve_quota: TakenQuota | None = None
    """A member's workspace up to this size needs no approver; None: each one does."""
    auto_approve_workspaces: Annotated[int, Field(ge=0, le=100)] = 2
    """How many workspaces per person may come into being without an approver."""
    max_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """The longest life of a workspace; None: no limit."""
    request_days: Annotated[int, Field(ge=1, le=90)] = 14
    """A request nobody answered expires after this many days."""


class Tenant(View):
    """One tenant. `allocated` is the sum of its workspaces' quotas, never above `quota`."""

    id: UUID
    slug: str
    title: str
    state: TenantState
    quota: ShownQuota
    allocated: ShownQuota
    workspaces: int
    members: int
    rules: Rules
    role: Role | None = None
    """The caller's own role here; None for a platform admin who is no member."""
    version: int
    """For `If-Match`."""
    created_at: datetime
    updated_at: datetime


class TenantCreate(Command):
    slug: Slug
    title: Title | None = None
    """Default: the slug."""
    quota: TakenQuota
    rules: Rules = Rules()


class TenantUpdate(Command):
    title: Title | None = None
    quota: TakenQuota | None = None
    rules: Rules | None = None
    """Replaces all rules."""


class TenantQuery(Paging):
    state: TenantState | None = None
