"""REST of promotions and their rules."""

from __future__ import annotations

from uuid import UUID

from controlplane.http.caller import outside
from controlplane.http.endpoint import Api
from controlplane.model import Page, Slug
from controlplane.promotions.model import Answer, Promotion, PromotionCreate, PromotionQuery, Rule, RuleSet
from controlplane.promotions.rules import RuleService
from controlplane.promotions.service import PromotionService
from controlplane.work import Work

api = Api("promotions")
_WORKSPACE = "/tenants/{tenant}/workspaces/{workspace}"
_ALL = _WORKSPACE + "/promotions"
_RULES = _WORKSPACE + "/promotion-rules"


def _service(work: Work) -> PromotionService:
    return PromotionService(work, outside().tracking)


@api.post(_ALL, status=201)
def create_promotion(work: Work, tenant: Slug, workspace: Slug, body: PromotionCreate) -> Promotion:
    """Ask to move an alias to a version. `state` says what came of it: done, waiting or refused."""
    return _service(work).create(tenant, workspace, body)


@api.get(_ALL)
def list_promotions(work: Work, tenant: Slug, workspace: Slug, query: PromotionQuery) -> Page[Promotion]:
    """Promotions of a workspace, newest first."""
    return _service(work).list(tenant, workspace, query)


@api.get(_ALL + "/{promotion}")
def get_promotion(work: Work, tenant: Slug, workspace: Slug, promotion: UUID) -> Promotion:
    """One promotion with what was measured."""
    return _service(work).get(tenant, workspace, promotion)


@api.post(_ALL + "/{promotion}/approve")
def approve_promotion(work: Work, tenant: Slug, workspace: Slug, promotion: UUID, body: Answer) -> Promotion:
    """Move the alias, as the approver. It is judged once more before."""
    return _service(work).approve(tenant, workspace, promotion, body)


@api.post(_ALL + "/{promotion}/reject")
def reject_promotion(work: Work, tenant: Slug, workspace: Slug, promotion: UUID, body: Answer) -> Promotion:
    """Leave the alias where it is."""
    return _service(work).reject(tenant, workspace, promotion, body)


@api.get(_RULES)
def list_promotion_rules(work: Work, tenant: Slug, workspace: Slug) -> Page[Rule]:
    """What promotions have to pass."""
    return RuleService(work).list(tenant, workspace)


@api.put(_RULES)
def set_promotion_rule(work: Work, tenant: Slug, workspace: Slug, body: RuleSet) -> Rule:
    """Set the rule for a model, or all, and an alias. Tenant admins only."""
    return RuleService(work).set(tenant, workspace, body)


@api.delete(_RULES + "/{rule}")
def delete_promotion_rule(work: Work, tenant: Slug, workspace: Slug, rule: UUID) -> None:
    """Take a rule away."""
    RuleService(work).remove(tenant, workspace, rule)
