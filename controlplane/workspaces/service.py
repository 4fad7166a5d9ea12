"""What can be done with workspaces."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from components.facts import PlatformFacts
from controlplane.auth import repository as accounts
from controlplane.auth.policy import PLATFORM, Action
from controlplane.db import decode_cursor, encode_cursor
from controlplane.errors import Finding, NotFound, Refused
from controlplane.model import Page
from controlplane.operations import repository as operations
from controlplane.operations.model import OperationKind
from controlplane.tenants import repository as tenants
from controlplane.tenants.model import TenantState
from controlplane.tenants.repository import TenantRow
from controlplane.tenants.service import check_version, readable, resource, visible
from controlplane.work import Work
from controlplane.workspaces import changes, repository
from controlplane.workspaces.features import offered, own_pipelines
from controlplane.workspaces.kubeconfig import Kubeconfig, kubeconfig
from controlplane.workspaces.model import (
    Change,
    OfferedFeature,
    ShownCondition,
    Workspace,
    WorkspaceCreate,
    WorkspaceQuery,
    WorkspaceState,
    WorkspaceUpdate,
)
from controlplane.workspaces.repository import WorkspaceRow


def find(work: Work, tenant: str, name: str, action: Action, *, lock: bool = False) -> tuple[TenantRow, WorkspaceRow]:
    """Both rows when the caller may do `action` there. With `lock` both are locked, the tenant first."""
    owner = visible(work, tenant, Action.WORKSPACE_READ, lock=lock)
    row = repository.by_name(work.session, owner.id, name, lock=lock)
    if row is None:
        raise NotFound
    work.require(action, resource(owner))
    return owner, row


class WorkspaceService:
    """Tenant admins change workspaces directly; members ask by a request (`RequestService`)."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, tenant: str, command: WorkspaceCreate) -> Change:
        """Refused (code `quota`) when the tenant's quota has no room; Conflict when the name is taken."""
        work = self._work
        owner = visible(work, tenant, Action.WORKSPACE_CREATE, lock=True)
        row, operation = changes.create(work, owner, command, work.principal.account_id)
        return self._change(owner, row, operation.id)

    def get(self, tenant: str, name: str) -> Workspace:
        owner, row = find(self._work, tenant, name, Action.WORKSPACE_READ)
        return self._shown([row], {owner.id: owner})[0]

    def kubeconfig(self, tenant: str, name: str) -> Kubeconfig:
        """What the caller's tools need to reach the workspace's namespace, but for a token."""
        owner, row = find(self._work, tenant, name, Action.WORKSPACE_READ)
        return kubeconfig(self._work.settings.facts, owner.slug, row.name, row.namespace)

    def list(self, tenant: str, query: WorkspaceQuery) -> Page[Workspace]:
        """By name."""
        owner = visible(self._work, tenant, Action.WORKSPACE_READ)
        return self._page(query, owner)

    def mine(self, query: WorkspaceQuery) -> Page[Workspace]:
        """Workspaces of every tenant the caller is a member of (a platform admin: of all), by namespace."""
        self._work.require(Action.SELF_READ, PLATFORM)
        return self._page(query, None)

    def features(self) -> Page[OfferedFeature]:
        """What workspaces can have here beside what every one has, by name; the same for everybody."""
        self._work.require(Action.SELF_READ, PLATFORM)
        return Page(items=offered(self._work.settings.facts))

    def update(self, tenant: str, name: str, command: WorkspaceUpdate, version: int | None = None) -> Change:
        """Stale when `version` is given and old; Refused (code `quota`) where the tenant's quota has no room."""
        work = self._work
        owner, row = find(work, tenant, name, Action.WORKSPACE_UPDATE, lock=True)
        if command.internet is not None and command.internet != row.internet:
            work.require(Action.WORKSPACE_INTERNET, resource(owner))
        check_version(version, row.version)
        changes.check_usable(owner, row)
        return self._change(owner, row, update(work, owner, row, command))

    def suspend(self, tenant: str, name: str) -> Change:
        """Pods are stopped and none start; data stays."""
        return self._switch(tenant, name, OperationKind.WORKSPACE_SUSPEND, suspended=True)

    def resume(self, tenant: str, name: str) -> Change:
        """Refused where its expiry has passed: move the expiry first."""
        return self._switch(tenant, name, OperationKind.WORKSPACE_RESUME, suspended=False)

    def delete(self, tenant: str, name: str) -> Change:
        """With its data. A second call gives the same operation."""
        owner, row = find(self._work, tenant, name, Action.WORKSPACE_DELETE, lock=True)
        operation = changes.delete(self._work, owner, row)
        return self._change(owner, row, operation.id)

    def _switch(self, tenant: str, name: str, kind: OperationKind, *, suspended: bool) -> Change:
        work = self._work
        owner, row = find(work, tenant, name, Action.WORKSPACE_UPDATE, lock=True)
        changes.check_usable(owner, row)
        if not suspended and row.expires_at is not None and row.expires_at <= work.now:
            raise Refused("The workspace has expired. Move its expiry first, then resume it.", code="expired")
        if row.suspended == suspended:
            return self._change(owner, row, None)
        before = changes.audited(row)
        row.suspended = suspended
        operation = changes.apply(work, owner, row, kind)
        changes.note(work, owner, row, kind, before)
        return self._change(owner, row, operation.id)

    def _change(self, tenant: TenantRow, row: WorkspaceRow, operation: UUID | None) -> Change:
        self._work.session.flush()
        return Change(workspace=self._shown([row], {tenant.id: tenant})[0], operation=operation)

    def _page(self, query: WorkspaceQuery, tenant: TenantRow | None) -> Page[Workspace]:
        work = self._work
        after = decode_cursor(query.cursor, 1)[0] if query.cursor else None
        rows = repository.page(
            work.session, tenant=tenant.id if tenant else None, among=None if tenant else readable(work), after=after,
            limit=query.limit, search=query.search, state=query.state,
        )  # fmt: skip
        shown = rows[: query.limit]
        more = encode_cursor(shown[-1].namespace) if len(rows) > query.limit else None
        owners = {t.id: t for t in tenants.by_ids(work.session, {row.tenant_id for row in shown})}
        return Page(items=tuple(self._shown(shown, owners)), next=more)

    def _shown(self, rows: Sequence[WorkspaceRow], owners: dict[UUID, TenantRow]) -> Sequence[Workspace]:
        newest = operations.newest_of(self._work.session, [row.id for row in rows])
        names = accounts.account_names(self._work.session, {row.owner_id for row in rows if row.owner_id})
        facts = self._work.settings.facts
        return [_shown(row, owners[row.tenant_id], facts, names, newest.get(row.id)) for row in rows]


def _shown(
    row: WorkspaceRow, tenant: TenantRow, facts: PlatformFacts, names: dict[UUID, str], operation: UUID | None
) -> Workspace:  # fmt: skip
    return Workspace(
        id=row.id, tenant=tenant.slug, name=row.name, namespace=row.namespace, image=facts.workspace_image,
        title=row.title, state=WorkspaceState(row.state), quota=row.quota, features=tuple(row.features),
        kubeflow_pipelines=own_pipelines(row.features, row.namespace, facts), internet=row.internet,
        suspended=row.suspended, owner=names.get(row.owner_id) if row.owner_id else None, expires_at=row.expires_at,
        generation=row.generation, observed_generation=row.observed_generation,
        conditions=tuple(ShownCondition.model_validate(c) for c in row.conditions), operation=operation,
        version=row.version, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def update(work: Work, tenant: TenantRow, row: WorkspaceRow, command: WorkspaceUpdate) -> UUID | None:
    """Take over what the command names, both rows locked. Gives the operation where the cluster has to follow."""
    before = changes.audited(row)
    if command.expires_at is not None and command.never_expires:
        raise Refused(
            "Give either expires_at or never_expires.",
            code="expiry",
            findings=[Finding("body.never_expires", "contradicts expires_at")],
        )
    if command.expires_at is not None:
        changes.check_expiry(work, tenant, command.expires_at)
        row.expires_at = command.expires_at
    if command.never_expires:
        if tenant.rules.max_days is not None:
            raise Refused(f"Workspaces of this tenant live {tenant.rules.max_days} days at most.", code="expiry")
        row.expires_at = None
    if command.quota is not None and command.quota != row.quota:
        changes.check_room(work, tenant, command.quota, instead_of=row)
        row.quota = command.quota
    row.title = command.title or row.title
    if command.features is not None:
        changes.check_features(work, command.features, has=row.features)
        row.features = sorted(set(command.features))
    if command.internet is not None:
        row.internet = command.internet
    after = changes.audited(row)
    if after == before:
        return None
    in_cluster = any(after[name] != before[name] for name in ("quota", "features", "internet"))
    operation = None
    if in_cluster:
        operation = changes.apply(work, tenant, row, OperationKind.WORKSPACE_UPDATE).id
    else:
        row.touch(work.now)
    changes.note(work, tenant, row, OperationKind.WORKSPACE_UPDATE, before)
    return operation


def settled(tenant: TenantRow, row: WorkspaceRow) -> WorkspaceState:
    """The state of a workspace whose newest generation is in the cluster."""
    paused = row.suspended or tenant.state == TenantState.SUSPENDED
    return WorkspaceState.SUSPENDED if paused else WorkspaceState.READY
