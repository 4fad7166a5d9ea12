"""Registered models, asking for a promotion, and lineage."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request, url_for
from pydantic import ValidationError

from controlplane.console import bp, forms, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.console.tree import tree
from controlplane.console.views_contents import works_in
from controlplane.errors import PublicError
from controlplane.http.caller import outside
from controlplane.lineage.model import LineageQuery
from controlplane.lineage.service import LineageService
from controlplane.models.model import ModelQuery
from controlplane.models.service import ModelService
from controlplane.promotions.model import DEFAULT_ALIAS, PromotionCreate, PromotionState
from controlplane.promotions.rules import RuleService
from controlplane.promotions.service import PromotionService
from controlplane.tenants.service import TenantService
from controlplane.workspaces.service import WorkspaceService

_LABELS = {"version": "Version", "alias": "Alias", "run": "Evaluation run", "reason": "Reason"}
_ASKED = ("endpoint", "model", "version", "run")


@bp.get("/workspaces/<tenant>/<name>/models")
def models(tenant: str, name: str) -> Response:
    listing = Listing.read(request.path, request.args, ())
    with web.work() as work:
        shown = WorkspaceService(work).get(tenant, name)
        page = ModelService(work, outside().tracking).list(tenant, name, web.query(ModelQuery, listing))
    return web.show("models.html", workspace=shown, page=page, listing=listing)


@bp.get("/workspaces/<tenant>/<name>/models/<model>")
def model(tenant: str, name: str, model: str) -> Response:
    with web.work() as work:
        shown, owner = WorkspaceService(work).get(tenant, name), TenantService(work).get(tenant)
        found = ModelService(work, outside().tracking).get(tenant, name, model)
    return web.show(
        "model.html", workspace=shown, model=found.model, versions=found.versions, works=works_in(owner)
    )  # fmt: skip


@bp.get("/workspaces/<tenant>/<name>/models/<model>/promote")
def ask_promotion(tenant: str, name: str, model: str) -> Response:
    version = request.args.get("version", "").strip()[:10]
    return _form(tenant, name, model, Form({"version": version, "alias": DEFAULT_ALIAS}, labels=_LABELS))


@bp.post("/workspaces/<tenant>/<name>/models/<model>/promote")
def do_promotion(tenant: str, name: str, model: str) -> Response:
    form = Form(web.fields(_LABELS), labels=_LABELS)
    given = {**{key: form.value(key) for key in _LABELS}, "model": model}
    try:
        command = forms.fill(PromotionCreate, form, given, {"alias": "Letters, digits, dashes and underscores."})
        with web.work() as work:
            made = PromotionService(work, outside().tracking).create(tenant, name, command)
    except Incomplete as incomplete:
        return _form(tenant, name, model, incomplete.form, 422)
    except PublicError as error:
        return _form(tenant, name, model, form.with_error(error), error.status)
    said = web.say(made.message) if made.state is PromotionState.DONE else None
    return web.go(url_for("console.promotion", tenant=tenant, name=name, promotion_id=made.id), said)


@bp.get("/workspaces/<tenant>/<name>/lineage")
def lineage(tenant: str, name: str) -> Response:
    """What `endpoint`, `model` with `version`, or `run` of the address comes from; without one, how to ask."""
    given = {key: request.args[key].strip() for key in _ASKED if request.args.get(key, "").strip()}
    with web.work() as work:
        shown = WorkspaceService(work).get(tenant, name)
        found = None
        if given:
            try:
                query = LineageQuery.model_validate(given)
            except ValidationError:
                return web.show("lineage.html", 422, workspace=shown, root=None, asked=given, wrong=True)
            there = outside()
            found = LineageService(work, there.cluster, there.tracking).get(tenant, name, query)
    root = tree(found) if found else None
    return web.show("lineage.html", workspace=shown, root=root, asked=given, wrong=False)


def _form(tenant: str, name: str, model: str, form: Form, status: int = 200) -> Response:
    with web.work() as work:
        shown = WorkspaceService(work).get(tenant, name)
        found = ModelService(work, outside().tracking).get(tenant, name, model)
        rules = [r for r in RuleService(work).list(tenant, name).items if r.model in (model, "*")]
    versions = [(str(v.version), f"Version {v.version}") for v in found.versions]
    return web.show(
        "promotion_new.html", status, workspace=shown, model=found.model, versions=versions, rules=rules,
        form=replace(form, labels=_LABELS),
    )  # fmt: skip
