"""What can be done with tenants. Every method asks the policy first; absent and forbidden look the same."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from controlplane.auth.model import Via
from controlplane.auth.policy import PLATFORM, Action, Resource
from controlplane.db import decode_cursor, encode_cursor
from controlplane.errors import Conflict, Finding, Invalid, NotFound, Refused, Stale
from controlplane.members import repository as members
from controlplane.model import Page
from controlplane.operations import log
from controlplane.operations.model import Operation, OperationKind
from controlplane.operations.repository import active_on, tenant_target
from controlplane.quotas.text import quota_text
from controlplane.tenants import repository
from controlplane.tenants.model import Tenant, TenantCreate, TenantQuery, TenantState, TenantUpdate
from controlplane.tenants.repository import TenantRow
from controlplane.work import Work
from controlplane.workspaces import changes
from controlplane.workspaces import repository as workspaces


def resource(row: TenantRow) -> Resource:
    """The tenant itself, as the policy sees it."""
    return Resource(tenant=row.id, tenant_state=row.state)


def visible(work: Work, slug: str, action: Action, *, lock: bool = False) -> TenantRow:
    """The tenant's row when the caller may do `action` in it. NotFound or Refused otherwise."""
    row = repository.by_slug(work.session, slug, lock=lock)
    if row is None:
        raise NotFound
    work.require(action, resource(row))
    return row


def readable(work: Work) -> frozenset[UUID] | None:
    """Ids of the tenants whose things the caller sees; None: of all."""
    principal = work.principal
    if principal.tenant_only is not None:
        return frozenset({principal.tenant_only}) & (
            frozenset({principal.tenant_only}) if principal.platform_admin else frozenset(principal.roles)
        )
    return None if principal.platform_admin or principal.via is Via.SYSTEM else frozenset(principal.roles)


def check_version(version: int | None, row_version: int) -> None:
    """Stale when the caller read an older version. None: not asked for."""
    if version is not None and version != row_version:
        raise Stale(f"It is at version {row_version} now, you read {version}. Read it again, then repeat the change.")


class TenantService:
    """Platform admins create, change quota and rules, suspend, resume, delete; tenant admins change the title."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, command: TenantCreate) -> Tenant:
        """Ready at once: a tenant has no objects in the cluster before its first workspace. Conflict: slug taken."""
        work = self._work
        work.require(Action.TENANT_CREATE, PLATFORM)
        log.lock_name(work.session, f"tenant:{command.slug}")
        if repository.by_slug(work.session, command.slug) is not None:
            raise Conflict(f"The tenant {command.slug} exists already. Choose another slug.", code="tenant-exists")
        row = TenantRow(
            id=uuid4(), slug=command.slug, title=command.title or command.slug, state=TenantState.ACTIVE,
            quota=command.quota, rules=command.rules, version=1, created_at=work.now, updated_at=work.now,
        )  # fmt: skip
        work.session.add(row)
        work.session.flush()
        work.audit("tenant.create", f"tenant/{row.slug}", tenant=row.id, after=_audited(row))
        return self._shown([row])[0]

    def get(self, slug: str) -> Tenant:
        """NotFound also for a tenant the caller is no member of."""
        return self._shown([visible(self._work, slug, Action.TENANT_READ)])[0]

    def list(self, query: TenantQuery) -> Page[Tenant]:
        """By slug; a platform admin sees all, others their own."""
        work = self._work
        work.require(Action.SELF_READ, PLATFORM)
        after = decode_cursor(query.cursor, 1)[0] if query.cursor else None
        rows = repository.page(
            work.session, among=readable(work), after=after, limit=query.limit, search=query.search, state=query.state
        )
        shown = rows[: query.limit]
        more = encode_cursor(shown[-1].slug) if len(rows) > query.limit else None
        return Page(items=tuple(self._shown(shown)), next=more)

    def update(self, slug: str, command: TenantUpdate, version: int | None = None) -> Tenant:
        """Stale when `version` is given and old. Invalid when the quota would be below what is allocated."""
        work = self._work
        row = visible(work, slug, Action.TENANT_UPDATE, lock=True)
        if command.quota is not None or command.rules is not None:
            work.require(Action.TENANT_LIMITS, resource(row))
        check_version(version, row.version)
        change(work, row, command)
        work.session.flush()
        return self._shown([row])[0]

    def suspend(self, slug: str) -> Operation:
        """Stops every workspace; people and pods of the tenant are let through nowhere until `resume`."""
        return self._switch(slug, TenantState.SUSPENDED, OperationKind.TENANT_SUSPEND, OperationKind.WORKSPACE_SUSPEND)

    def resume(self, slug: str) -> Operation:
        """Starts what was not suspended by itself."""
        return self._switch(slug, TenantState.ACTIVE, OperationKind.TENANT_RESUME, OperationKind.WORKSPACE_RESUME)

    def delete(self, slug: str) -> Operation:
        """Deletes every workspace with its data, then the tenant. A second call gives the same operation."""
        work = self._work
        row = visible(work, slug, Action.TENANT_DELETE, lock=True)
        if row.state == TenantState.DELETING:
            for running in active_on(work.session, tenant_target(row.id), [OperationKind.TENANT_DELETE]):
                return log.shown(work, [running])[0]
        before = _audited(row)
        row.state = TenantState.DELETING
        row.touch(work.now)
        parent = log.add(work, OperationKind.TENANT_DELETE, tenant=row, supersede=True)
        for workspace in workspaces.of_tenant(work.session, row.id, lock=True):
            changes.delete(work, row, workspace, parent=parent.id)
        work.audit("tenant.delete", f"tenant/{row.slug}", tenant=row.id, before=before, after=_audited(row))
        return log.shown(work, [parent])[0]

    def _switch(self, slug: str, state: TenantState, kind: OperationKind, each: OperationKind) -> Operation:
        work = self._work
        row = visible(work, slug, Action.TENANT_SUSPEND, lock=True)
        if row.state == TenantState.DELETING:
            raise Refused("The tenant is being deleted.", code="tenant-deleting")
        if row.state == state:
            for running in active_on(work.session, tenant_target(row.id), [kind]):
                return log.shown(work, [running])[0]
        before = _audited(row)
        row.state = state
        row.touch(work.now)
        parent = log.add(work, kind, tenant=row, supersede=True)
        for workspace in workspaces.of_tenant(work.session, row.id, lock=True):
            changes.tenant_switched(work, row, workspace, each, parent=parent.id)
        work.audit(kind, f"tenant/{row.slug}", tenant=row.id, before=before, after=_audited(row))
        return log.shown(work, [parent])[0]

    def _shown(self, rows: Sequence[TenantRow]) -> Sequence[Tenant]:
        work = self._work
        ids = [row.id for row in rows]
        quotas = workspaces.quotas(work.session, ids)
        counts = members.counts(work.session, ids)
        return [
            Tenant(
                id=row.id, slug=row.slug, title=row.title, state=TenantState(row.state), quota=row.quota,
                allocated=repository.total(quotas.get(row.id, [])), workspaces=len(quotas.get(row.id, [])),
                members=counts.get(row.id, 0), rules=row.rules, role=work.principal.roles.get(row.id),
                version=row.version, created_at=row.created_at, updated_at=row.updated_at,
            )
            for row in rows
        ]  # fmt: skip


def change(work: Work, row: TenantRow, command: TenantUpdate) -> None:
    """Take over what the command names, with the row locked. Invalid when the quota is below what is allocated."""
    before = _audited(row)
    if command.quota is not None:
        allocated = repository.total(workspaces.quotas(work.session, [row.id]).get(row.id, []))
        over = allocated.exceeds(command.quota)
        if over:
            raise Invalid(
                f"The tenant's workspaces together hold more {', '.join(over)} than the new quota. "
                "Shrink or delete workspaces first, or give more.",
                code="quota-below-allocated",
                findings=[Finding(f"body.quota.{name}", "is below what its workspaces hold") for name in over],
            )
        row.quota = command.quota
    row.title = command.title or row.title
    row.rules = command.rules or row.rules
    if _audited(row) != before:
        row.touch(work.now)
        work.audit("tenant.update", f"tenant/{row.slug}", tenant=row.id, before=before, after=_audited(row))


def _audited(row: TenantRow) -> dict[str, object]:
    return {
        "title": row.title, "state": row.state, "quota": quota_text(row.quota),
        "rules": row.rules.model_dump(mode="json"),
    }  # fmt: skip
