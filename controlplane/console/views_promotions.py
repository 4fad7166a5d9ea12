"""Promotions: the list with its rules, one promotion with its answer, and setting a rule."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

from flask import Response, request, url_for

from components.names import Role
from controlplane.console import bp, forms, signs, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.errors import NotFound, PublicError
from controlplane.http.caller import outside
from controlplane.promotions.model import Answer, PromotionQuery, PromotionState, RuleSet
from controlplane.promotions.rules import RuleService
from controlplane.promotions.service import PromotionService
from controlplane.tenants.service import TenantService
from controlplane.workspaces.service import WorkspaceService

_LABELS = {"reason": "Reason"}
_RULE = {"model": "Model", "alias": "Alias", "thresholds": "Thresholds", "approver": "Approver"}
_THRESHOLD = re.compile(r"(?P<metric>.+?)\s*(?P<comparison>>=|<=|>|<)\s*(?P<value>[-+0-9.eE]+)")
_HOW = "One a line, such as accuracy >= 0.9."


@bp.get("/workspaces/<tenant>/<name>/promotions")
def promotions(tenant: str, name: str) -> Response:
    listing = Listing.read(request.path, request.args, ("state",))
    with web.work() as work:
        shown, owner = WorkspaceService(work).get(tenant, name), TenantService(work).get(tenant)
        page = PromotionService(work, outside().tracking).list(tenant, name, web.query(PromotionQuery, listing))
        rules = RuleService(work).list(tenant, name).items
    manages = web.who().platform_admin or owner.role is Role.ADMIN
    return web.show(
        "promotions.html", workspace=shown, page=page, listing=listing, rules=rules, manages=manages,
        states=signs.options(signs.PROMOTION),
    )  # fmt: skip


@bp.get("/workspaces/<tenant>/<name>/promotions/<uuid:promotion_id>")
def promotion(tenant: str, name: str, promotion_id: UUID) -> Response:
    return _page(tenant, name, promotion_id, Form(labels=_LABELS))


@bp.post("/workspaces/<tenant>/<name>/promotions/<uuid:promotion_id>/<any(approve, reject):answer>")
def answer_promotion(tenant: str, name: str, promotion_id: UUID, answer: str) -> Response:
    form = Form(web.fields(_LABELS), labels=_LABELS)
    if answer == "reject" and not form.value("reason"):
        form = replace(form, errors={"reason": "Say why, for the person who asked."})
    try:
        command = forms.fill(Answer, form, {"reason": form.value("reason") or "Approved"})
        with web.work() as work:
            service = PromotionService(work, outside().tracking)
            act = service.approve if answer == "approve" else service.reject
            done = act(tenant, name, promotion_id, command)
    except Incomplete as incomplete:
        return _page(tenant, name, promotion_id, incomplete.form, 422)
    except PublicError as error:
        return _page(tenant, name, promotion_id, form.with_error(error), error.status)
    said = web.say(done.message) if done.state is not PromotionState.REFUSED else None
    return web.go(url_for("console.promotion", tenant=tenant, name=name, promotion_id=promotion_id), said)


@bp.get("/workspaces/<tenant>/<name>/promotions/rule")
def edit_rule(tenant: str, name: str) -> Response:
    """A new rule, or with `rule` in the address the one that is there."""
    with web.work() as work:
        rules = RuleService(work).list(tenant, name).items
    known = next((rule for rule in rules if str(rule.id) == request.args.get("rule")), None)
    values = {"model": "*", "alias": "production"}
    if known is not None:
        lines = [f"{t.metric} {t.comparison} {t.value:g}" for t in known.thresholds]
        values = {"model": known.model, "alias": known.alias, "thresholds": "\n".join(lines)}
        values |= {"approver": known.approver.value} if known.approver else {}
    return _rule(tenant, name, Form(values, labels=_RULE))


@bp.post("/workspaces/<tenant>/<name>/promotions/rule")
def set_rule(tenant: str, name: str) -> Response:
    form = Form(web.fields(_RULE), labels=_RULE)
    thresholds, wrong = _thresholds(form.value("thresholds"))
    if wrong:
        form = replace(form, errors={"thresholds": f"“{wrong[:60]}” is none. {_HOW}"})
    given = {
        "model": form.value("model"), "alias": form.value("alias"), "thresholds": thresholds,
        "approver": form.value("approver"),
    }  # fmt: skip
    try:
        command = forms.fill(RuleSet, form, given, {"model": "A model's name, or * for all."})
        with web.work() as work:
            RuleService(work).set(tenant, name, command)
    except Incomplete as incomplete:
        return _rule(tenant, name, incomplete.form, 422)
    except PublicError as error:
        return _rule(tenant, name, form.with_error(error), error.status)
    return web.go(url_for("console.promotions", tenant=tenant, name=name), web.say("The rule is set."))


@bp.post("/workspaces/<tenant>/<name>/promotions/rules/<uuid:rule_id>/remove")
def remove_rule(tenant: str, name: str, rule_id: UUID) -> Response:
    with web.work() as work:
        RuleService(work).remove(tenant, name, rule_id)
    return web.go(url_for("console.promotions", tenant=tenant, name=name), web.say("The rule is removed."))


def _thresholds(text: str) -> tuple[list[dict[str, str]], str]:
    """The lines as thresholds, and the first line that is none."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _THRESHOLD.fullmatch(line)
        if match is None:
            return [], line
        found.append(match.groupdict())
    return found, ""


def _page(tenant: str, name: str, promotion_id: UUID, form: Form, status: int = 200) -> Response:
    with web.work() as work:
        shown = WorkspaceService(work).get(tenant, name)
        found = PromotionService(work, outside().tracking).get(tenant, name, promotion_id)
    return web.show("promotion.html", status, workspace=shown, asked=found, form=replace(form, labels=_LABELS))


def _rule(tenant: str, name: str, form: Form, status: int = 200) -> Response:
    with web.work() as work:
        shown, owner = WorkspaceService(work).get(tenant, name), TenantService(work).get(tenant)
    if not (web.who().platform_admin or owner.role is Role.ADMIN):
        raise NotFound
    return web.show("promotion_rule.html", status, workspace=shown, form=replace(form, labels=_RULE), how=_HOW)
