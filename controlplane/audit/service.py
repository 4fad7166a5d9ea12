"""Reading and proving the audit trail. Writing is `Work.audit`, inside the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.audit import chain, repository
from controlplane.audit.model import PLATFORM_CHAIN, AuditEvent, AuditQuery, Verification
from controlplane.audit.repository import AuditEventRow
from controlplane.auth.policy import PLATFORM, Action
from controlplane.db import decode_cursor, encode_cursor
from controlplane.errors import Finding, Invalid
from controlplane.model import Page
from controlplane.tenants.service import visible
from controlplane.work import Work


class AuditService:
    """`tenant` None: the platform's own chain, which only platform admins see; tenant admins see their tenant's."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def chain(self, tenant: str | None) -> str:
        """The chain's name, when the caller may read it."""
        if tenant is None:
            self._work.require(Action.AUDIT_READ, PLATFORM)
            return PLATFORM_CHAIN
        return str(visible(self._work, tenant, Action.AUDIT_READ).id)

    def list(self, tenant: str | None, query: AuditQuery) -> Page[AuditEvent]:
        """Newest first."""
        name = self.chain(tenant)
        before = None
        if query.cursor:
            (text,) = decode_cursor(query.cursor, 1)
            if not (text.isascii() and text.isdigit() and len(text) < 18):
                raise Invalid(
                    "The cursor is none that this list gave out.", findings=[Finding("query.cursor", "wrong")]
                )
            before = int(text)
        rows = repository.page(self._work.session, name, query, before)
        shown = rows[: query.limit]
        more = encode_cursor(str(shown[-1].seq)) if len(rows) > query.limit else None
        return Page(items=tuple(_shown(row) for row in shown), next=more)

    def export(self, tenant: str | None) -> Iterator[AuditEvent]:
        """The whole chain, oldest first, read in blocks: enough to verify it elsewhere. Checks the right at once."""
        return self.read(self.chain(tenant))

    def read(self, chain_name: str) -> Iterator[AuditEvent]:
        """A chain whose reading was allowed before."""
        return (_shown(row) for block in repository.blocks(self._work.session, chain_name) for row in block)

    def verify(self, tenant: str | None) -> Verification:
        """Events written while it runs are left for the next time: the head is read first."""
        name = self.chain(tenant)
        head = repository.head(self._work.session, name)
        if head is None:
            return Verification(chain=name, events=0, intact=True, head=chain.GENESIS)
        until, digest = head.seq, head.head
        events = (event for event in self.read(name) if event.seq <= until)
        return chain.verify(name, events, digest, until)


def _shown(row: AuditEventRow) -> AuditEvent:
    return AuditEvent(
        seq=row.seq, at=row.at, actor=row.actor, credential=row.credential, action=row.action, object=row.object,
        outcome=row.outcome, before=row.before, after=row.after, request_id=row.request_id, address=row.address,
        prev_hash=row.prev_hash, row_hash=row.row_hash,
    )  # fmt: skip
