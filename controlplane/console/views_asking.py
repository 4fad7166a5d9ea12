"""Asking: for a workspace, for more quota of one, for leave of a rule; with the consequences while somebody types.

Everything goes through requests: who may do it directly has the request granted at once.
"""

from __future__ import annotations

from flask import Response, request, url_for

from components.names import SLUG, Role
from controlplane.console import bp, forms, quota, web
from controlplane.console.forms import Form, Incomplete
from controlplane.errors import NotFound, PublicError
from controlplane.model import Command, Reason, Slug
from controlplane.quotas.model import Quota
from controlplane.requests.model import (
    Request,
    RequestCreate,
    RequestKind,
    RequestState,
    Want,
    WantException,
    WantQuota,
    WantWorkspace,
)
from controlplane.requests.service import RequestService
from controlplane.tenants.model import Tenant, TenantQuery, TenantState
from controlplane.tenants.service import TenantService
from controlplane.work import Work
from controlplane.workspaces.model import Workspace, WorkspaceCreate
from controlplane.workspaces.service import WorkspaceService

_QUOTA = {"quota.cpu": "CPU", "quota.memory": "Memory", "quota.storage": "Storage", "quota.pods": "Pods"}
_NEW = {
    "tenant": "Tenant", "name": "Name", "title": "Title", **_QUOTA, "features": "Features",
    "expires_at": "Needed until", "reason": "What is it for?",
}  # fmt: skip
_MORE = {**_QUOTA, "reason": "Why is it needed?"}
_FIRST = {"quota.cpu": "2", "quota.memory": "4", "quota.storage": "10", "quota.pods": "20"}


class _Asked(WorkspaceCreate):
    """The fields of the form for a new workspace."""

    tenant: Slug
    reason: Reason


class _MoreAsked(Command):
    """The fields of the form for more quota."""

    quota: Quota
    reason: Reason


class _LeaveAsked(Command):
    """The fields of the form for internet access."""

    reason: Reason


def tenants_to_ask(work: Work) -> list[Tenant]:
    """Where this person may ask for a workspace."""
    found = TenantService(work).list(TenantQuery(state=TenantState.ACTIVE, limit=200)).items
    return [t for t in found if web.who().platform_admin or t.role in {Role.ADMIN, Role.MEMBER}]


@bp.get("/workspaces/new")
def new_workspace() -> Response:
    return _new(Form({**_FIRST, "tenant": request.args.get("tenant", "")}, labels=_NEW))


@bp.post("/workspaces/new")
def ask_for_workspace() -> Response:
    form = Form({**web.fields(_NEW), **web.ticked(forms.FEATURE)}, labels=_NEW)
    wanted, form = forms.read_quota(form)
    given: dict[str, object] = {n: form.value(n) for n in _NEW if n not in _QUOTA}
    given |= {
        "quota": wanted, "features": forms.read_features(form),
        "expires_at": forms.end_of_day(form.value("expires_at")),
    }  # fmt: skip
    messages = {
        "name": forms.SLUG_HELP, "expires_at": "A date such as 2026-12-31.", "tenant": "Choose a tenant.",
        "features": forms.FEATURES_HELP,
    }  # fmt: skip
    try:
        asked = forms.fill(_Asked, form, given, messages)
        made = _make(asked.tenant, _workspace(asked), asked.reason)
    except Incomplete as incomplete:
        return _new(incomplete.form, 422)
    except PublicError as error:
        return _new(form.with_error(error), error.status)
    return _made(made)


@bp.post("/workspaces/new/preview")
def preview_workspace() -> Response:
    """What the form would lead to as it stands. Changes nothing."""
    form = Form(web.fields(_NEW), labels=_NEW)
    wanted, form = forms.read_quota(form)
    tenant, until = form.value("tenant"), forms.end_of_day(form.value("expires_at"))
    if wanted is None or not tenant or isinstance(until, str):
        return web.show("workspace_preview.html", preview=None, bars=())
    name = form.value("name") if SLUG.fullmatch(form.value("name")) else "preview"
    return _preview(tenant, WantWorkspace(workspace=WorkspaceCreate(name=name, quota=wanted, expires_at=until)), wanted)


@bp.get("/workspaces/<tenant>/<name>/ask/<any(quota, internet):what>")
def ask_more(tenant: str, name: str, what: str) -> Response:
    shown = _workspace_of(tenant, name)
    values = forms.quota_values(shown.quota) if what == "quota" else {}
    return _more(shown, what, Form(values, labels=_MORE))


@bp.post("/workspaces/<tenant>/<name>/ask/<any(quota, internet):what>")
def ask_for_more(tenant: str, name: str, what: str) -> Response:
    shown = _workspace_of(tenant, name)
    form = Form(web.fields(_MORE), labels=_MORE)
    try:
        if what == "quota":
            wanted, form = forms.read_quota(form, like=shown.quota)
            more = forms.fill(_MoreAsked, form, {"quota": wanted, "reason": form.value("reason")})
            want: Want = WantQuota(kind=RequestKind.QUOTA, workspace=name, quota=more.quota)
            made = _make(tenant, want, more.reason)
        else:
            leave = forms.fill(_LeaveAsked, form, {"reason": form.value("reason")})
            want = WantException(kind=RequestKind.EXCEPTION, workspace=name, exception="internet")
            made = _make(tenant, want, leave.reason)
    except Incomplete as incomplete:
        return _more(shown, what, incomplete.form, 422)
    except PublicError as error:
        return _more(shown, what, form.with_error(error), error.status)
    return _made(made)


@bp.post("/workspaces/<tenant>/<name>/ask/quota/preview")
def preview_quota(tenant: str, name: str) -> Response:
    """What another quota would lead to. Changes nothing."""
    shown = _workspace_of(tenant, name)
    wanted, _ = forms.read_quota(Form(web.fields(_MORE), labels=_MORE), like=shown.quota)
    if wanted is None:
        return web.show("workspace_preview.html", preview=None, bars=())
    want = WantQuota(kind=RequestKind.QUOTA, workspace=name, quota=wanted)
    return _preview(tenant, want, wanted, instead_of=shown.quota)


def _workspace(asked: _Asked) -> WantWorkspace:
    fields = asked.model_dump(exclude={"tenant", "reason", "quota"})
    return WantWorkspace(workspace=WorkspaceCreate(**fields, quota=asked.quota))


def _make(tenant: str, want: Want, reason: str) -> Request:
    with web.work() as work:
        return RequestService(work).create(tenant, RequestCreate(want=want, reason=reason))


def _made(made: Request) -> Response:
    """On to what happens now: the operation where it was granted, else the request that waits."""
    if made.state is RequestState.APPROVED and made.operation:
        return web.go(url_for("console.operation", operation=made.operation), web.say("Granted. It is being done."))
    said = "Granted." if made.state is RequestState.APPROVED else "Your request is on its way."
    return web.go(url_for("console.request_page", request_id=made.id), web.say(said))


def _preview(tenant: str, want: Want, wanted: Quota, instead_of: Quota | None = None) -> Response:
    with web.work() as work:
        owner = TenantService(work).get(tenant)
        preview = RequestService(work).preview(tenant, want)
    return web.show(
        "workspace_preview.html", preview=preview, bars=quota.bars(owner.quota, owner.allocated + wanted, instead_of)
    )


def _workspace_of(tenant: str, name: str) -> Workspace:
    with web.work() as work:
        if tenant not in {t.slug for t in tenants_to_ask(work)}:
            raise NotFound
        return WorkspaceService(work).get(tenant, name)


def _new(form: Form, status: int = 200) -> Response:
    with web.work() as work:
        tenants = tenants_to_ask(work)
        features = WorkspaceService(work).features().items
    return web.show(
        "workspace_new.html", status, form=form, tenants=tenants, slug_help=forms.SLUG_HELP, features=features,
        tenant_options=[(t.slug, t.title) for t in tenants],
    )  # fmt: skip


def _more(shown: Workspace, what: str, form: Form, status: int = 200) -> Response:
    return web.show("workspace_more.html", status, workspace=shown, what=what, form=form)
