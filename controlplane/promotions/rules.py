"""The rules that promotions have to pass. Members read them, the tenant's admins set them."""

from __future__ import annotations

from uuid import UUID, uuid4

from controlplane.auth.policy import Action
from controlplane.errors import NotFound
from controlplane.model import Page
from controlplane.promotions import repository
from controlplane.promotions.model import Rule, RuleSet, Threshold
from controlplane.promotions.repository import PromotionRuleRow
from controlplane.tenants.repository import TenantRow
from controlplane.work import Work
from controlplane.workspaces import changes
from controlplane.workspaces.repository import WorkspaceRow
from controlplane.workspaces.service import find


class RuleService:
    def __init__(self, work: Work) -> None:
        self._work = work

    def list(self, tenant: str, workspace: str) -> Page[Rule]:
        """All of a workspace on one page, by alias and model."""
        _, row = find(self._work, tenant, workspace, Action.WORKSPACE_READ)
        return Page(items=tuple(shown(each) for each in repository.rules(self._work.session, row.id)))

    def set(self, tenant: str, workspace: str, command: RuleSet) -> Rule:
        """New, or in place of the one for the same model and alias. Promotions that wait are judged by it again."""
        owner, row = find(self._work, tenant, workspace, Action.PROMOTION_RULES, lock=True)
        changes.check_usable(owner, row)
        work = self._work
        known = repository.rule(work.session, row.id, command.model, command.alias)
        before = audited(known) if known else None
        thresholds = [each.model_dump(mode="json") for each in command.thresholds]
        if known is None:
            known = PromotionRuleRow(
                id=uuid4(), workspace_id=row.id, model=command.model, alias=command.alias, thresholds=thresholds,
                approver=command.approver, updated_at=work.now,
            )  # fmt: skip
            work.session.add(known)
        else:
            known.thresholds, known.approver, known.updated_at = thresholds, command.approver, work.now
        work.session.flush()
        if audited(known) != before:
            work.audit(
                "promotion.rule", _object(owner, row, known), tenant=owner.id, before=before, after=audited(known)
            )
        return shown(known)

    def remove(self, tenant: str, workspace: str, rule: UUID) -> None:
        """From then on nothing stands in the way."""
        owner, row = find(self._work, tenant, workspace, Action.PROMOTION_RULES, lock=True)
        known = repository.rule_by_id(self._work.session, row.id, rule)
        if known is None:
            raise NotFound
        self._work.session.delete(known)
        self._work.audit("promotion.rule", _object(owner, row, known), tenant=owner.id, before=audited(known))


def thresholds_of(row: PromotionRuleRow) -> tuple[Threshold, ...]:
    return tuple(Threshold.model_validate(each) for each in row.thresholds)


def shown(row: PromotionRuleRow) -> Rule:
    return Rule.model_validate(
        {
            "id": row.id, "model": row.model, "alias": row.alias, "thresholds": thresholds_of(row),
            "approver": row.approver, "updated_at": row.updated_at,
        }
    )  # fmt: skip


def audited(row: PromotionRuleRow) -> dict[str, object]:
    return {"thresholds": row.thresholds, "approver": row.approver}


def _object(tenant: TenantRow, row: WorkspaceRow, rule: PromotionRuleRow) -> str:
    return f"promotion-rule/{tenant.slug}/{row.name}/{rule.model}@{rule.alias}"
