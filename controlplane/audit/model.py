"""The audit trail as values: events, chains and how they are hashed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, StringConstraints

from controlplane.model import Paging, View

PLATFORM_CHAIN = "platform"
"""The chain of everything that belongs to no tenant; each tenant has a chain named by its id."""


class AuditEvent(View):
    seq: int
    """From 1, without gaps, per chain."""
    at: datetime
    actor: str
    credential: str
    """What the actor showed: `session:<hash>`, `token:<id>`, or empty for the system."""
    action: str
    """Such as `tenant.create`."""
    object: str
    """Such as `tenant/acme` or `workspace/acme/vision`."""
    outcome: str
    """`done` or `refused`."""
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
    address: str
    prev_hash: str
    row_hash: str


class AuditQuery(Paging):
    """`search` looks into actor, action and object."""

    action: Annotated[str, StringConstraints(max_length=60)] | None = None
    actor: Annotated[str, StringConstraints(max_length=120)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class Verification(View):
    """`intact` False: `first_bad` names the first event that does not fit, `why` what is wrong with it."""

    chain: str
    events: int
    intact: bool
    first_bad: int | None = None
    why: str = ""
    head: str
