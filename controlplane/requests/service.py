"""Asking and answering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from components.names import Role
from controlplane.auth.policy import PLATFORM, Action, Decision, Resource, decide
from controlplane.db import cursor_id, cursor_time, decode_cursor, encode_cursor
from controlplane.errors import Conflict, Finding, Invalid, NotFound, Refused
from controlplane.members import service as members
from controlplane.members.model import MemberCreate
from controlplane.model import Page
from controlplane.quotas.model import Quota
from controlplane.requests import repository
from controlplane.requests.model import (
    Answer,
    Approvers,
    Preview,
    Request,
    RequestCreate,
    RequestKind,
    RequestQuery,
    RequestState,
    TraceEntry,
    Want,
    WantException,
    WantMember,
    WantQuota,
    WantWorkspace,
)
from controlplane.requests.repository import RequestRow
from controlplane.requests.rules import Judgement, Situation, judge, summary
from controlplane.tenants import repository as tenants
from controlplane.tenants.model import TenantUpdate
from controlplane.tenants.repository import TenantRow
from controlplane.tenants.service import change, readable, resource, visible
from controlplane.work import Work
from controlplane.workspaces import changes
from controlplane.workspaces import repository as workspaces
from controlplane.workspaces.model import WorkspaceUpdate
from controlplane.workspaces.service import update as update_workspace

_WANT: TypeAdapter[Want] = TypeAdapter(Want)


class RequestService:
    """Members ask; the tenant's rules or an approver answer. Who has the right to do a thing directly has their
    request granted at once."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def preview(self, tenant: str, want: Want) -> Preview:
        """The consequences, without making anything."""
        owner = visible(self._work, tenant, Action.REQUEST_CREATE)
        judgement = self._judge(owner, want)
        return Preview(outcome=judgement.outcome, approvers=judgement.approvers, why=judgement.why)

    def create(self, tenant: str, command: RequestCreate) -> Request:
        """State `approved` with an operation where the rules allow it, else `pending`."""
        work = self._work
        account = work.principal.account_id
        if account is None:
            raise Refused("Only people make requests.")
        owner = visible(work, tenant, Action.REQUEST_CREATE, lock=True)
        self._check(owner, command.want)
        judgement = self._judge(owner, command.want)
        if judgement.outcome == "refused":
            raise Refused(" ".join(judgement.why), code=judgement.rule)
        row = RequestRow(
            id=uuid4(), tenant_id=owner.id, kind=command.want.kind, state=RequestState.PENDING,
            want=_WANT.dump_python(command.want, mode="json"), summary=summary(command.want), reason=command.reason,
            requester_id=account, requester=work.principal.name, approvers=judgement.approvers, trace=[],
            created_at=work.now, expires_at=work.later(days=owner.rules.request_days),
        )  # fmt: skip
        work.session.add(row)
        self._trace(row, judgement.rule, " ".join(judgement.why))
        work.session.flush()
        work.audit("request.create", _object(owner, row), tenant=owner.id, after=_audited(row))
        if judgement.outcome == "approved":
            self._carry_out(owner, row, f"rule:{judgement.rule}", " ".join(judgement.why))
        return self._shown([row])[0]

    def get(self, request: UUID) -> Request:
        """Own requests, and those of tenants the caller administers."""
        row, _ = self._find(request, Action.REQUEST_READ)
        return self._shown([row])[0]

    def list(self, query: RequestQuery) -> Page[Request]:
        """Newest first: own requests, those of tenants the caller administers, all for platform admins."""
        work = self._work
        work.require(Action.SELF_READ, PLATFORM)
        principal = work.principal
        tenant = visible(work, query.tenant, Action.TENANT_READ).id if query.tenant else None
        after = None
        if query.cursor:
            moment, last = decode_cursor(query.cursor, 2)
            after = (cursor_time(moment), cursor_id(last))
        among = readable(work)
        admin_of = None if among is None else frozenset(
            t for t in among if principal.platform_admin or principal.roles.get(t) is Role.ADMIN
        )  # fmt: skip
        rows = repository.page(
            work.session, requester=principal.account_id, visible=admin_of, decidable=admin_of,
            decides_platform=principal.platform_admin, only_mine=bool(query.mine),
            only_decidable=bool(query.decidable), tenant=tenant, state=query.state, kind=query.kind,
            search=query.search, after=after, limit=query.limit, within=principal.tenant_only,
        )  # fmt: skip
        shown = rows[: query.limit]
        more = None
        if len(rows) > query.limit:
            more = encode_cursor(shown[-1].created_at.isoformat(), str(shown[-1].id))
        return Page(items=tuple(self._shown(shown)), next=more)

    def approve(self, request: UUID, answer: Answer) -> Request:
        """Carries it out in the same transaction. Conflict when it is not pending; Refused when it no longer fits."""
        row, owner = self._decidable(request)
        self._trace(row, "approver", f"approved by {self._work.principal.name}")
        self._carry_out(owner, row, self._work.principal.name, answer.reason)
        return self._shown([row])[0]

    def reject(self, request: UUID, answer: Answer) -> Request:
        """The reason is shown to the one who asked."""
        row, owner = self._decidable(request)
        self._trace(row, "approver", f"rejected by {self._work.principal.name}")
        self._decide(owner, row, RequestState.REJECTED, self._work.principal.name, answer.reason)
        return self._shown([row])[0]

    def withdraw(self, request: UUID) -> Request:
        """By the one who asked."""
        row, owner = self._find(request, Action.REQUEST_WITHDRAW, lock=True)
        self._check_pending(row)
        self._decide(owner, row, RequestState.WITHDRAWN, self._work.principal.name, "withdrawn")
        return self._shown([row])[0]

    def _find(self, request: UUID, action: Action, *, lock: bool = False) -> tuple[RequestRow, TenantRow]:
        work = self._work
        seen = repository.by_id(work.session, request)
        owner = tenants.by_id(work.session, seen.tenant_id, lock=lock) if seen else None
        row = repository.by_id(work.session, request, lock=lock)
        if row is None or owner is None:
            raise NotFound
        target = Resource(tenant=owner.id, tenant_state=owner.state, owner=row.requester_id)
        work.require(Action.REQUEST_READ, target)
        work.require(action, target)
        return row, owner

    def _decidable(self, request: UUID) -> tuple[RequestRow, TenantRow]:
        row, owner = self._find(request, Action.REQUEST_READ, lock=True)
        self._work.require(_decision_on(row), resource(owner))
        self._check_pending(row)
        return row, owner

    def _check_pending(self, row: RequestRow) -> None:
        if row.state != RequestState.PENDING:
            raise Conflict(f"The request is {row.state} already.", code="request-decided")
        if row.expires_at <= self._work.now:
            raise Conflict("The request has expired. It has to be made again.", code="request-expired")

    def _judge(self, tenant: TenantRow, want: Want) -> Judgement:
        work = self._work
        account = work.principal.account_id
        return judge(
            want,
            Situation(
                rules=tenant.rules, role=work.principal.roles.get(tenant.id),
                platform_admin=work.principal.platform_admin,
                owned=workspaces.owned_by(work.session, tenant.id, account) if account else 0,
                over=self._over(tenant, want),
            ),
        )  # fmt: skip

    def _over(self, tenant: TenantRow, want: Want) -> tuple[str, ...]:
        """Resources for which the tenant has no room."""
        quota: Quota
        instead_of = None
        if isinstance(want, WantWorkspace):
            quota = want.workspace.quota
        elif isinstance(want, WantQuota) and want.workspace is not None:
            quota = want.quota
            instead_of = workspaces.by_name(self._work.session, tenant.id, want.workspace)
        else:
            return ()
        return changes.room(self._work, tenant, quota, instead_of=instead_of)

    def _check(self, tenant: TenantRow, want: Want) -> None:
        """What is named has to exist, or still be free."""
        work = self._work
        if isinstance(want, WantWorkspace):
            if workspaces.by_name(work.session, tenant.id, want.workspace.name) is not None:
                raise Conflict(f"The workspace {want.workspace.name} exists already.", code="workspace-exists")
            changes.check_features(work, want.workspace.features)
            if want.workspace.expires_at is not None:
                changes.check_expiry(work, tenant, want.workspace.expires_at)
        elif isinstance(want, WantQuota | WantException) and want.workspace is not None:
            if workspaces.by_name(work.session, tenant.id, want.workspace) is None:
                raise Invalid(
                    f"The tenant has no workspace {want.workspace}.",
                    findings=[Finding("body.want.workspace", "is no workspace of this tenant")],
                )
        elif isinstance(want, WantMember):
            members.check_subject(work, tenant, _member(want))

    def _carry_out(self, tenant: TenantRow, row: RequestRow, by: str, reason: str) -> None:
        work = self._work
        want = _WANT.validate_python(row.want)
        if isinstance(want, WantWorkspace):
            _, operation = changes.create(work, tenant, want.workspace, row.requester_id)
            row.operation_id = operation.id
        elif isinstance(want, WantMember):
            members.add(work, tenant, _member(want))
        elif isinstance(want, WantQuota | WantException):
            if want.workspace is None:
                change(work, tenant, TenantUpdate(quota=want.quota))
            else:
                workspace = workspaces.by_name(work.session, tenant.id, want.workspace, lock=True)
                if workspace is None:
                    raise Conflict(f"The workspace {want.workspace} is gone.", code="workspace-gone")
                changes.check_usable(tenant, workspace)
                command = (
                    WorkspaceUpdate(quota=want.quota) if isinstance(want, WantQuota) else WorkspaceUpdate(internet=True)
                )
                row.operation_id = update_workspace(work, tenant, workspace, command)
        else:
            assert_never(want)
        self._decide(tenant, row, RequestState.APPROVED, by, reason)

    def _decide(self, tenant: TenantRow, row: RequestRow, state: RequestState, by: str, reason: str) -> None:
        before = _audited(row)
        row.state = state
        row.decided_by = by
        row.decision_reason = reason
        row.decided_at = self._work.now
        self._work.audit(f"request.{state}", _object(tenant, row), tenant=tenant.id, before=before, after=_audited(row))
        self._work.session.flush()

    def _trace(self, row: RequestRow, rule: str, outcome: str) -> None:
        entry = TraceEntry(at=self._work.now, rule=rule, outcome=outcome)
        row.trace = [*row.trace, entry.model_dump(mode="json")]

    def _shown(self, rows: Sequence[RequestRow]) -> Sequence[Request]:
        work = self._work
        owners = {t.id: t for t in tenants.by_ids(work.session, {row.tenant_id for row in rows})}
        return [self._one(row, owners[row.tenant_id]) for row in rows]

    def _one(self, row: RequestRow, tenant: TenantRow) -> Request:
        work = self._work
        pending = row.state == RequestState.PENDING
        allowed = decide(work.principal, _decision_on(row), resource(tenant)) is Decision.ALLOW
        return Request(
            id=row.id, tenant=tenant.slug, kind=RequestKind(row.kind), state=RequestState(row.state), want=row.want,
            summary=row.summary, reason=row.reason, requester=row.requester, approvers=Approvers(row.approvers),
            fits=not self._over(tenant, _WANT.validate_python(row.want)) if pending else True,
            decided_by=row.decided_by, decision_reason=row.decision_reason,
            trace=tuple(TraceEntry.model_validate(entry) for entry in row.trace), operation=row.operation_id,
            can_decide=pending and allowed and row.expires_at > work.now, created_at=row.created_at,
            expires_at=row.expires_at, decided_at=row.decided_at,
        )  # fmt: skip


def expire(work: Work) -> int:
    """Requests nobody answered in time. For the watcher; gives their number."""
    rows = repository.overdue(work.session, work.now)
    for row in rows:
        row.state = RequestState.EXPIRED
        row.decided_at = work.now
        row.decided_by = "rule:expiry"
        tenant = tenants.by_id(work.session, row.tenant_id)
        if tenant is not None:
            work.audit("request.expired", _object(tenant, row), tenant=tenant.id, after=_audited(row))
    return len(rows)


def _decision_on(row: RequestRow) -> Action:
    platform = row.approvers == Approvers.PLATFORM_ADMINS
    return Action.REQUEST_DECIDE_PLATFORM if platform else Action.REQUEST_DECIDE


def _member(want: WantMember) -> MemberCreate:
    return MemberCreate(kind=want.member, subject=want.subject, role=want.role)


def _object(tenant: TenantRow, row: RequestRow) -> str:
    return f"request/{tenant.slug}/{row.id}"


def _audited(row: RequestRow) -> dict[str, object]:
    return {
        "kind": row.kind, "state": row.state, "want": row.want, "reason": row.reason, "requester": row.requester,
        "decided_by": row.decided_by, "decision_reason": row.decision_reason,
    }  # fmt: skip
