"""Looking at operations and starting them afresh; `operations.runner` runs them."""

from __future__ import annotations

from uuid import UUID

from controlplane.auth.policy import PLATFORM, Action, Resource
from controlplane.db import cursor_id, cursor_time, decode_cursor, encode_cursor
from controlplane.errors import Conflict, Finding, Invalid, NotFound
from controlplane.model import Page
from controlplane.operations import log, repository
from controlplane.operations.model import Operation, OperationQuery, OperationState
from controlplane.operations.repository import OperationRow
from controlplane.tenants import repository as tenants
from controlplane.tenants.service import readable, resource, visible
from controlplane.work import Work
from controlplane.workspaces import repository as workspaces

_RETRIABLE = frozenset({OperationState.PARKED, OperationState.FAILED, OperationState.WAITING})


class OperationService:
    """Members see the operations of their tenants; tenant admins retry them."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def get(self, operation: UUID) -> Operation:
        return log.shown(self._work, [self._find(operation, Action.OPERATION_READ)])[0]

    def list(self, query: OperationQuery) -> Page[Operation]:
        """Newest first."""
        work = self._work
        work.require(Action.SELF_READ, PLATFORM)
        tenant = visible(work, query.tenant, Action.OPERATION_READ).id if query.tenant else None
        workspace = None
        if query.workspace is not None:
            if tenant is None:
                raise Invalid(
                    "A workspace is named within its tenant; give both.",
                    findings=[Finding("query.tenant", "is needed together with workspace")],
                )
            row = workspaces.by_name(work.session, tenant, query.workspace)
            if row is None:
                raise NotFound
            workspace = row.id
        after = None
        if query.cursor:
            moment, last = decode_cursor(query.cursor, 2)
            after = (cursor_time(moment), cursor_id(last))
        rows = repository.page(
            work.session, among=readable(work), tenant=tenant, workspace=workspace, state=query.state, kind=query.kind,
            parent=query.parent, search=query.search, after=after, limit=query.limit,
        )  # fmt: skip
        shown = rows[: query.limit]
        more = None
        if len(rows) > query.limit:
            more = encode_cursor(shown[-1].created_at.isoformat(), str(shown[-1].id))
        return Page(items=tuple(log.shown(work, shown)), next=more)

    def retry(self, operation: UUID) -> Operation:
        """Only parked, failed or waiting ones; Conflict otherwise. Attempts count from zero again."""
        work = self._work
        row = self._find(operation, Action.OPERATION_RETRY, lock=True)
        if row.state not in _RETRIABLE:
            raise Conflict(f"The operation is {row.state}; only a parked, failed or waiting one can be retried.")
        row.state = OperationState.QUEUED
        row.attempt = row.strikes = 0
        row.message = ""
        row.ended_at = None
        row.due_at = work.now
        row.version += 1
        work.enqueue.append(row.id)
        work.audit("operation.retry", f"operation/{row.id}", tenant=row.tenant_id, after={"kind": row.kind})
        work.session.flush()
        return log.shown(work, [row])[0]

    def _find(self, operation: UUID, action: Action, *, lock: bool = False) -> OperationRow:
        row = repository.by_id(self._work.session, operation, lock=lock)
        tenant = tenants.by_id(self._work.session, row.tenant_id) if row and row.tenant_id else None
        if row is None:
            raise NotFound
        self._work.require(action, resource(tenant) if tenant else Resource())
        return row
