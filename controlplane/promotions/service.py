"""Asking for a promotion, its evaluation, and the answer of an approver.

The alias is moved in MLflow as the person who acts: the one who asks where no approver is needed, else the approver.
MLflow asks RBAC about them, so the control plane moves nothing that they could not move themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from components.names import Role
from controlplane.auth.policy import Action
from controlplane.db import cursor_id, cursor_time, decode_cursor, encode_cursor
from controlplane.errors import Conflict, Finding, Invalid, NotFound, Refused
from controlplane.model import Page
from controlplane.promotions import gate, repository
from controlplane.promotions.model import (
    Answer,
    Check,
    Promotion,
    PromotionCreate,
    PromotionQuery,
    PromotionState,
)
from controlplane.promotions.repository import PromotionRow
from controlplane.promotions.rules import thresholds_of
from controlplane.tenants.repository import TenantRow
from controlplane.tenants.service import resource
from controlplane.tracking.caller import as_caller
from controlplane.tracking.client import Tracking, TrackingWorkspace
from controlplane.tracking.model import ModelVersion, Run
from controlplane.work import Work
from controlplane.workspaces import changes
from controlplane.workspaces.repository import WorkspaceRow
from controlplane.workspaces.service import find


@dataclass(frozen=True)
class _Case:
    """One promotion with where it belongs."""

    owner: TenantRow
    row: WorkspaceRow
    made: PromotionRow

    @property
    def target(self) -> str:
        return f"promotion/{self.owner.slug}/{self.row.name}/{self.made.model}@{self.made.alias}"


class PromotionService:
    def __init__(self, work: Work, tracking: Tracking | None) -> None:
        self._work = work
        self._tracking = tracking

    def create(self, tenant: str, workspace: str, command: PromotionCreate) -> Promotion:
        """State `done`, `waiting` or `refused`. Invalid where the evaluation run is not about this version."""
        work = self._work
        account = work.principal.account_id
        owner, row = find(work, tenant, workspace, Action.PROMOTION_CREATE)
        if account is None:
            raise Refused("Only people and their tokens promote.")
        changes.check_usable(owner, row)
        made = PromotionRow(
            id=uuid4(), workspace_id=row.id, model=command.model, version=command.version, alias=command.alias,
            state=PromotionState.WAITING, message="", asked_run=command.run, run=None, checks=[], before=None,
            reason=command.reason or "", requester_id=account, requester=work.principal.name, approver=None,
            decided_by=None, decision_reason=None, created_at=work.now, decided_at=None,
        )  # fmt: skip
        case = _Case(owner, row, made)
        work.session.add(made)
        mlflow = as_caller(work, self._tracking, row.namespace)
        passed = self._judge(mlflow, row, made)
        work.session.flush()
        work.audit("promotion.create", case.target, tenant=owner.id, after=_audited(made))
        if not passed:
            self._end(case, PromotionState.REFUSED, "rule")
        elif made.approver is None:
            self._move(case, mlflow, "rule")
        else:
            made.message = f"It passed; {_WHO[Role(made.approver)]} answers it."
        work.session.flush()
        return self._shown(owner, made)

    def get(self, tenant: str, workspace: str, promotion: UUID) -> Promotion:
        owner, row = find(self._work, tenant, workspace, Action.WORKSPACE_READ)
        found = repository.by_id(self._work.session, row.id, promotion)
        if found is None:
            raise NotFound
        return self._shown(owner, found)

    def list(self, tenant: str, workspace: str, query: PromotionQuery) -> Page[Promotion]:
        """Newest first."""
        owner, row = find(self._work, tenant, workspace, Action.WORKSPACE_READ)
        after = None
        if query.cursor:
            moment, last = decode_cursor(query.cursor, 2)
            after = (cursor_time(moment), cursor_id(last))
        rows = repository.page(
            self._work.session, row.id, state=query.state, model=query.model, search=query.search, after=after,
            limit=query.limit,
        )  # fmt: skip
        found = rows[: query.limit]
        more = encode_cursor(found[-1].created_at.isoformat(), str(found[-1].id)) if len(rows) > query.limit else None
        return Page(items=tuple(self._shown(owner, each) for each in found), next=more)

    def approve(self, tenant: str, workspace: str, promotion: UUID, answer: Answer) -> Promotion:
        """Judged once more, by the rule and the metrics as they are now; then the alias is moved as the approver."""
        case = self._decidable(tenant, workspace, promotion)
        mlflow = as_caller(self._work, self._tracking, case.row.namespace)
        if self._judge(mlflow, case.row, case.made):
            self._move(case, mlflow, self._work.principal.name, answer.reason)
        else:
            self._end(case, PromotionState.REFUSED, "rule", answer.reason)
        self._work.session.flush()
        return self._shown(case.owner, case.made)

    def reject(self, tenant: str, workspace: str, promotion: UUID, answer: Answer) -> Promotion:
        """The reason is shown to the one who asked."""
        case = self._decidable(tenant, workspace, promotion)
        by = self._work.principal.name
        case.made.message = f"Rejected by {by}: {answer.reason}"
        self._end(case, PromotionState.REJECTED, by, answer.reason)
        self._work.session.flush()
        return self._shown(case.owner, case.made)

    def _decidable(self, tenant: str, workspace: str, promotion: UUID) -> _Case:
        work = self._work
        owner, row = find(work, tenant, workspace, Action.WORKSPACE_READ)
        found = repository.by_id(work.session, row.id, promotion, lock=True)
        if found is None:
            raise NotFound
        work.require(_decision_on(found), resource(owner))
        if found.state != PromotionState.WAITING:
            raise Conflict(f"The promotion is {found.state} already.", code="promotion-decided")
        if found.requester_id == work.principal.account_id:
            raise Refused("Somebody else has to answer what you asked for.", code="own-promotion")
        changes.check_usable(owner, row)
        return _Case(owner, row, found)

    def _judge(self, mlflow: TrackingWorkspace, row: WorkspaceRow, made: PromotionRow) -> bool:
        """Writes down what was measured and who has to approve. NotFound: no such version or run."""
        version = mlflow.version(made.model, made.version)
        rule = repository.rule_for(self._work.session, row.id, made.model, made.alias)
        thresholds = thresholds_of(rule) if rule else ()
        run = self._evaluation(mlflow, made, version)
        metrics = dict(run.metrics) if run else {}
        if thresholds and version.model and made.asked_run is None:
            metrics = {**self._measured(mlflow, version.model), **metrics}
        checks = gate.checked(thresholds, metrics)
        made.checks = [check.model_dump(mode="json") for check in checks]
        made.run = run.id if run else None
        made.approver = rule.approver if rule else None
        made.message = gate.failures(checks)
        return not made.message

    @staticmethod
    def _measured(mlflow: TrackingWorkspace, model: str) -> dict[str, float]:
        """Metrics that were logged to the model itself; none where it is gone."""
        try:
            return dict(mlflow.logged_model(model).metrics)
        except NotFound:
            return {}

    @staticmethod
    def _evaluation(mlflow: TrackingWorkspace, made: PromotionRow, version: ModelVersion) -> Run | None:
        """The run whose metrics count; None where no run made the version and none was named."""
        chosen = made.asked_run or version.run
        if not chosen:
            return None
        try:
            run = mlflow.run(chosen)
        except NotFound:
            if made.asked_run is None:
                return None
            raise _not_about(made, "there is no such run in this workspace") from None
        if not gate.evaluates(run, version):
            raise _not_about(made, f"tag it {gate.EVALUATES}={made.model}/{made.version}, or log its model as input")
        return run

    def _move(self, case: _Case, mlflow: TrackingWorkspace, by: str, reason: str = "") -> None:
        """Outside first: a move that is not written down here shows in MLflow, and asking again changes nothing."""
        made = case.made
        made.before = mlflow.registered_model(made.model).aliases.get(made.alias)
        mlflow.set_alias(made.model, made.alias, made.version)
        was = f" (it was version {made.before})" if made.before else ""
        made.message = f"{made.alias} points to version {made.version}{was}."
        self._end(case, PromotionState.DONE, by, reason)

    def _end(self, case: _Case, state: PromotionState, by: str, reason: str = "") -> None:
        made = case.made
        made.state = state
        made.decided_by, made.decision_reason, made.decided_at = by, reason, self._work.now
        moved = {"alias": made.alias, "version": made.before} if state is PromotionState.DONE else None
        self._work.audit(
            f"promotion.{state}", case.target, tenant=case.owner.id, before=moved, after=_audited(made),
            outcome="refused" if state is PromotionState.REFUSED else "done",
        )  # fmt: skip

    def _shown(self, owner: TenantRow, row: PromotionRow) -> Promotion:
        work = self._work
        waiting = row.state == PromotionState.WAITING
        own = row.requester_id == work.principal.account_id
        return Promotion(
            id=row.id, model=row.model, version=row.version, alias=row.alias, state=PromotionState(row.state),
            message=row.message, run=row.run, checks=tuple(Check.model_validate(each) for each in row.checks),
            before=row.before, reason=row.reason, requester=row.requester,
            approver=Role(row.approver) if row.approver else None, decided_by=row.decided_by,
            decision_reason=row.decision_reason,
            can_decide=waiting and not own and work.allowed(_decision_on(row), resource(owner)),
            created_at=row.created_at, decided_at=row.decided_at,
        )  # fmt: skip


_WHO = {Role.ADMIN: "an admin of the tenant", Role.MEMBER: "another member of the tenant", Role.VIEWER: "a viewer"}


def _decision_on(row: PromotionRow) -> Action:
    return Action.PROMOTION_DECIDE if row.approver == Role.MEMBER else Action.PROMOTION_DECIDE_ADMIN


def _not_about(made: PromotionRow, what: str) -> Invalid:
    return Invalid(
        f"Run {made.asked_run or made.run} does not evaluate version {made.version} of {made.model}: {what}.",
        code="not-an-evaluation",
        findings=[Finding("body.run", what)],
    )


def _audited(made: PromotionRow) -> dict[str, object]:
    return {
        "promotion": str(made.id), "alias": made.alias, "version": made.version, "state": made.state,
        "run": made.run, "checks": made.checks, "requester": made.requester, "decided_by": made.decided_by,
        "message": made.message,
    }  # fmt: skip
