"""One transaction and who acts in it: what every service is made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from controlplane.audit import repository as audit
from controlplane.audit.chain import redact, row_hash
from controlplane.audit.model import PLATFORM_CHAIN
from controlplane.auth.model import Origin, Principal
from controlplane.auth.policy import Action, Decision, Resource, decide, who_may
from controlplane.errors import NotFound, Refused, Unauthenticated
from controlplane.settings import Settings
from controlplane.tenants.model import TenantState


@dataclass
class _Event:
    tenant: UUID | None
    fields: dict[str, Any]


@dataclass
class Work:
    """Made by `Runtime.work(principal, origin)`, a context manager: commits at the end, rolls back on an error,
    and only after the commit hands new operations to the queue."""

    session: Session
    settings: Settings
    origin: Origin
    now: datetime
    caller: Principal | None = None
    """None until somebody has signed in."""
    enqueue: list[UUID] = field(default_factory=list)
    """Operations to hand to the queue after the commit."""
    _events: list[_Event] = field(default_factory=list)

    @property
    def principal(self) -> Principal:
        """Who calls. Unauthenticated when nobody has signed in."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    def allowed(self, action: Action, resource: Resource) -> bool:
        return decide(self.caller, action, resource) is Decision.ALLOW

    def require(self, action: Action, resource: Resource) -> None:
        """NotFound where the caller may not know of it; Refused, and audited, where only the action is barred."""
        decision = decide(self.principal, action, resource)
        if decision is Decision.ALLOW:
            return
        if decision is Decision.HIDE:
            raise NotFound
        self.audit(action, f"tenant/{resource.tenant}", tenant=resource.tenant, outcome="refused")
        if resource.tenant_state != TenantState.ACTIVE and resource.tenant is not None:
            raise Refused(
                f"The tenant is {resource.tenant_state}. Nothing changes in it before a platform admin resumes it.",
                code="tenant-suspended",
                commit=True,
            )
        raise Refused(f"This needs {who_may(action)}; ask one, or send a request.", commit=True)

    def audit(
        self,
        action: str,
        target: str,
        *,
        tenant: UUID | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        outcome: str = "done",
    ) -> None:
        """Note what is done in this transaction. Written just before the commit, so that chains are locked briefly.

        `target` such as `workspace/acme/vision`; `before` and `after` plain JSON data, redacted here.
        """
        self._events.append(
            _Event(
                tenant,
                {
                    "actor": self.caller.actor if self.caller else "anonymous",
                    "credential": self.caller.credential if self.caller else "",
                    "action": str(action),
                    "object": target,
                    "outcome": outcome,
                    "before": None if before is None else redact(before),
                    "after": None if after is None else redact(after),
                    "request_id": self.origin.request_id,
                    "address": self.origin.address,
                },
            )
        )

    def write_audit(self) -> None:
        """Append the noted events to their chains, chains in one order so that writers never wait in a circle."""
        events = sorted(self._events, key=lambda e: str(e.tenant or PLATFORM_CHAIN))
        self._events.clear()
        heads: dict[str, audit.AuditChainRow] = {}
        for event in events:
            chain = str(event.tenant) if event.tenant else PLATFORM_CHAIN
            head = heads.get(chain)
            if head is None:
                head = heads[chain] = audit.lock_head(self.session, chain, event.tenant)
            fields = {"chain": chain, "seq": head.seq + 1, "at": self.now, **event.fields}
            digest = row_hash(head.head, fields)
            self.session.add(audit.AuditEventRow(**fields, prev_hash=head.head, row_hash=digest))
            head.seq, head.head = head.seq + 1, digest
        self.session.flush()

    def later(self, **delta: float) -> datetime:
        """`now` plus a timedelta's arguments."""
        return self.now + timedelta(**delta)
