"""Workspaces: everybody's own, one workspace's page, asking for a new one, and its changes."""

from __future__ import annotations

from flask import Response, request, url_for

from components.names import SLUG, Role
from controlplane.console import bp, forms, quota, signs, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.errors import PublicError
from controlplane.model import Reason, Slug
from controlplane.operations.service import OperationService
from controlplane.requests.model import RequestCreate, RequestState, WantWorkspace
from controlplane.requests.service import RequestService
from controlplane.tenants.model import Tenant, TenantQuery, TenantState
from controlplane.tenants.service import TenantService
from controlplane.work import Work
from controlplane.workspaces.model import WorkspaceCreate, WorkspaceQuery, WorkspaceState
from controlplane.workspaces.service import WorkspaceService

_LABELS = {
    "tenant": "Tenant",
    "name": "Name",
    "title": "Title",
    "quota.cpu": "CPU",
    "quota.memory": "Memory",
    "quota.storage": "Storage",
    "quota.pods": "Pods",
    "expires_at": "Needed until",
    "reason": "What is it for?",
}


class _Asked(WorkspaceCreate):
    """The fields of the form for a new workspace."""

    tenant: Slug
    reason: Reason


_FIRST = {"quota.cpu": "2", "quota.memory": "4", "quota.storage": "10", "quota.pods": "20"}


@bp.get("/workspaces")
def workspaces() -> Response:
    listing = Listing.read(request.path, request.args, ("state",))
    with web.work() as work:
        page = WorkspaceService(work).mine(web.query(WorkspaceQuery, listing))
        may_ask = bool(_tenants_to_ask(work))
    return web.show(
        "workspaces.html", page=page, listing=listing, may_ask=may_ask,
        states=signs.options(signs.WORKSPACE, leave_out=WorkspaceState.DELETED),
    )  # fmt: skip


@bp.get("/workspaces/<tenant>/<name>")
def workspace(tenant: str, name: str) -> Response:
    with web.work() as work:
        shown = WorkspaceService(work).get(tenant, name)
        owner = TenantService(work).get(tenant)
        operation = OperationService(work).get(shown.operation) if shown.operation else None
    return web.show(
        "workspace.html", workspace=shown, tenant=owner, operation=operation,
        manages=web.who().platform_admin or owner.role is Role.ADMIN,
    )  # fmt: skip


@bp.get("/workspaces/new")
def new_workspace() -> Response:
    chosen = request.args.get("tenant", "")
    return _form(Form({**_FIRST, "tenant": chosen}, labels=_LABELS))


@bp.post("/workspaces/new")
def ask_for_workspace() -> Response:
    form = Form(web.fields(_LABELS), labels=_LABELS)
    try:
        asked, form = _asked(form)
        wanted = WorkspaceCreate(name=asked.name, title=asked.title, quota=asked.quota, expires_at=asked.expires_at)
        command = RequestCreate(want=WantWorkspace(workspace=wanted), reason=asked.reason)
        with web.work() as work:
            made = RequestService(work).create(asked.tenant, command)
    except Incomplete as incomplete:
        return _form(incomplete.form, 422)
    except PublicError as error:
        return _form(form.with_error(error), error.status)
    if made.state is RequestState.APPROVED and made.operation:
        said = web.say("Approved by the rules of the tenant. The workspace is being created.")
        return web.go(url_for("console.operation", operation=made.operation), said)
    return web.go(url_for("console.request_page", request_id=made.id), web.say("Your request is on its way."))


@bp.post("/workspaces/new/preview")
def preview_workspace() -> Response:
    """What the form would lead to as it stands: asked for by a script while somebody types. Changes nothing."""
    form = Form(web.fields(_LABELS), labels=_LABELS)
    wanted, form = forms.read_quota(form)
    tenant, until = form.value("tenant"), forms.end_of_day(form.value("expires_at"))
    if wanted is None or not tenant or isinstance(until, str):
        return web.show("workspace_preview.html", preview=None, bars=())
    name = form.value("name") if SLUG.fullmatch(form.value("name")) else "preview"
    want = WantWorkspace(workspace=WorkspaceCreate(name=name, quota=wanted, expires_at=until))
    with web.work() as work:
        owner = TenantService(work).get(tenant)
        preview = RequestService(work).preview(tenant, want)
    return web.show("workspace_preview.html", preview=preview, bars=quota.bars(owner.quota, owner.allocated + wanted))


@bp.get("/workspaces/<tenant>/<name>/<any(suspend, resume, delete):change>")
def ask_workspace(tenant: str, name: str, change: str) -> Response:
    with web.work() as work:
        shown = WorkspaceService(work).get(tenant, name)
    return web.show("workspace_ask.html", workspace=shown, change=change, form=Form(labels={"name": "Name"}))


@bp.post("/workspaces/<tenant>/<name>/<any(suspend, resume, delete):change>")
def do_workspace(tenant: str, name: str, change: str) -> Response:
    with web.work() as work:
        service = WorkspaceService(work)
        shown = service.get(tenant, name)
        if change == "delete" and request.form.get("name", "").strip() != name:
            form = Form(web.fields({"name": ""}), {"name": f"Type {name} to confirm."}, {"name": "Name"})
            return web.show("workspace_ask.html", 422, workspace=shown, change=change, form=form)
        done = getattr(service, change)(tenant, name)
    if done.operation:
        return web.go(url_for("console.operation", operation=done.operation))
    return web.go(url_for("console.workspace", tenant=tenant, name=name))


def _asked(form: Form) -> tuple[_Asked, Form]:
    wanted, form = forms.read_quota(form)
    given = {**form.values, "quota": wanted, "expires_at": forms.end_of_day(form.value("expires_at"))}
    given = {name: value for name, value in given.items() if not name.startswith("quota.")}
    messages = {"name": forms.SLUG_HELP, "expires_at": "A date such as 2026-12-31.", "tenant": "Choose a tenant."}
    return forms.fill(_Asked, form, given, messages), form


def _tenants_to_ask(work: Work) -> list[Tenant]:
    found = TenantService(work).list(TenantQuery(state=TenantState.ACTIVE, limit=200)).items
    return [t for t in found if web.who().platform_admin or t.role in {Role.ADMIN, Role.MEMBER}]


def _form(form: Form, status: int = 200) -> Response:
    with web.work() as work:
        tenants = _tenants_to_ask(work)
    return web.show(
        "workspace_new.html",
        status,
        form=form,
        tenants=tenants,
        tenant_options=[(t.slug, t.title) for t in tenants],
        slug_help=forms.SLUG_HELP,
    )
