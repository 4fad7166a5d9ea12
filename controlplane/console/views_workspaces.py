"""Workspaces: everybody's own, one workspace's page, its settings, and stopping or ending it."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request, url_for

from components.names import Role
from controlplane.console import bp, forms, signs, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.console.views_asking import tenants_to_ask
from controlplane.console.views_contents import overview, works_in
from controlplane.errors import NotFound, PublicError
from controlplane.operations.service import OperationService
from controlplane.requests.model import RequestQuery, RequestState
from controlplane.requests.service import RequestService
from controlplane.tenants.model import Tenant
from controlplane.tenants.service import TenantService
from controlplane.work import Work
from controlplane.workspaces.model import Change, Workspace, WorkspaceQuery, WorkspaceState, WorkspaceUpdate
from controlplane.workspaces.service import WorkspaceService

_WITH_CONTENTS = frozenset({WorkspaceState.READY, WorkspaceState.UPDATING, WorkspaceState.SUSPENDED})
_LABELS = {
    "title": "Title", "quota.cpu": "CPU", "quota.memory": "Memory", "quota.storage": "Storage", "quota.pods": "Pods",
    "features": "Features", "expires_at": "Expires",
}  # fmt: skip


@bp.get("/workspaces")
def workspaces() -> Response:
    listing = Listing.read(request.path, request.args, ("state",))
    with web.work() as work:
        page = WorkspaceService(work).mine(web.query(WorkspaceQuery, listing))
        may_ask = bool(tenants_to_ask(work))
        asked = RequestService(work).list(RequestQuery(mine=True, state=RequestState.PENDING, limit=10)).items
    states = signs.options(signs.WORKSPACE, leave_out=WorkspaceState.DELETED)
    return web.show("workspaces.html", page=page, listing=listing, may_ask=may_ask, asked=asked, states=states)


@bp.get("/workspaces/<tenant>/<name>")
def workspace(tenant: str, name: str) -> Response:
    with web.work() as work:
        shown, owner = _find(work, tenant, name)
        operation = OperationService(work).get(shown.operation) if shown.operation else None
        sections, problem = overview(work, tenant, name) if shown.state in _WITH_CONTENTS else ((), "")
    return web.show(
        "workspace.html", workspace=shown, tenant=owner, operation=operation, manages=_manages(owner),
        may_ask=owner.role is Role.MEMBER and owner.state == "active", sections=sections, problem=problem,
        works=works_in(owner),
    )  # fmt: skip


@bp.get("/workspaces/<tenant>/<name>/settings")
def workspace_settings(tenant: str, name: str) -> Response:
    with web.work() as work:
        shown, owner = _find(work, tenant, name)
    if not _manages(owner):
        raise NotFound
    until = shown.expires_at.date().isoformat() if shown.expires_at else ""
    values = {"title": shown.title, "expires_at": until, "version": str(shown.version)}
    values |= forms.quota_values(shown.quota) | forms.feature_values(shown.features)
    return _settings(shown, Form(values, labels=_LABELS))


@bp.post("/workspaces/<tenant>/<name>/settings")
def change_workspace(tenant: str, name: str) -> Response:
    form = Form({**web.fields({**_LABELS, "version": ""}), **web.ticked(forms.FEATURE)}, labels=_LABELS)
    with web.work() as work:
        shown, _ = _find(work, tenant, name)
        offered = {feature.name for feature in WorkspaceService(work).features().items}
    wanted, form = forms.read_quota(form, like=shown.quota)
    until = forms.end_of_day(form.value("expires_at"))
    features = {*forms.read_features(form), *(name for name in shown.features if name not in offered)}
    given: dict[str, object] = {
        "title": form.value("title"), "quota": wanted, "features": sorted(features), "expires_at": until,
    }  # fmt: skip
    messages = {"expires_at": "A date such as 2026-12-31.", "features": forms.FEATURES_HELP}
    if until is None:
        given["never_expires"] = True
    try:
        command = forms.fill(WorkspaceUpdate, form, given, messages)
        with web.work() as work:
            done = WorkspaceService(work).update(tenant, name, command, web.version(form))
    except Incomplete as incomplete:
        return _settings(shown, incomplete.form, 422)
    except PublicError as error:
        return _settings(shown, form.with_error(error), error.status)
    return _done(done, "The settings are saved.")


@bp.get("/workspaces/<tenant>/<name>/<any(suspend, resume, delete):change>")
def ask_workspace(tenant: str, name: str, change: str) -> Response:
    with web.work() as work:
        shown, owner = _find(work, tenant, name)
    if not _manages(owner):
        raise NotFound
    return web.show("workspace_ask.html", workspace=shown, change=change, form=Form(labels={"name": "Name"}))


@bp.post("/workspaces/<tenant>/<name>/<any(suspend, resume, delete):change>")
def do_workspace(tenant: str, name: str, change: str) -> Response:
    with web.work() as work:
        service = WorkspaceService(work)
        shown = service.get(tenant, name)
        if change == "delete" and request.form.get("name", "").strip() != name:
            form = Form(web.fields({"name": ""}), {"name": f"Type {name} to confirm."}, {"name": "Name"})
            return web.show("workspace_ask.html", 422, workspace=shown, change=change, form=form)
        done: Change = getattr(service, change)(tenant, name)
    return _done(done, "Nothing had to be changed.")


def _find(work: Work, tenant: str, name: str) -> tuple[Workspace, Tenant]:
    return WorkspaceService(work).get(tenant, name), TenantService(work).get(tenant)


def _manages(owner: Tenant) -> bool:
    return web.who().platform_admin or owner.role is Role.ADMIN


def _done(done: Change, otherwise: str) -> Response:
    """On to the operation, or back to the workspace where the cluster has nothing to do."""
    if done.operation:
        return web.go(url_for("console.operation", operation=done.operation))
    shown = done.workspace
    return web.go(url_for("console.workspace", tenant=shown.tenant, name=shown.name), web.say(otherwise))


def _settings(shown: Workspace, form: Form, status: int = 200) -> Response:
    with web.work() as work:
        features = WorkspaceService(work).features().items
    return web.show(
        "workspace_settings.html", status, workspace=shown, features=features, form=replace(form, labels=_LABELS)
    )
