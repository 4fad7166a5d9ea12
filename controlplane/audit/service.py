"""Reading and proving the audit trail. Writing is `Work.audit`, inside the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.audit.model import AuditEvent, AuditQuery, Verification
from controlplane.model import Page
from controlplane.work import Work


class AuditService:
    """`tenant` None: the platform's own chain, which only platform admins see; tenant admins see their tenant's."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def list(self, tenant: str | None, query: AuditQuery) -> Page[AuditEvent]:
        """Newest first."""
        raise NotImplementedError

    def export(self, tenant: str | None) -> Iterator[AuditEvent]:
        """The whole chain, oldest first, read in blocks: enough to verify it elsewhere."""
        raise NotImplementedError

    def verify(self, tenant: str | None) -> Verification:
        raise NotImplementedError
