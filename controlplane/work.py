"""One transaction and who acts in it: what every service is made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from controlplane.auth.model import Origin, Principal


@dataclass
class Work:
    """Made by `Runtime.work(principal, origin)`, a context manager: commits at the end, rolls back on an error,
    and only after the commit hands new operations to the queue."""

    session: Session
    principal: Principal
    origin: Origin
    now: datetime
    enqueue: list[UUID] = field(default_factory=list)
    """Operations to hand to the queue after the commit."""
