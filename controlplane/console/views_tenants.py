"""Tenants: list, create, one tenant's page, quota, and ending it. Members are in `views_members`."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request, url_for

from components.names import Role
from controlplane.console import bp, forms, quota, signs, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.errors import PublicError
from controlplane.quotas.model import Quota
from controlplane.tenants.model import Rules, Tenant, TenantCreate, TenantQuery, TenantState, TenantUpdate
from controlplane.tenants.service import TenantService
from controlplane.workspaces.model import WorkspaceQuery
from controlplane.workspaces.service import WorkspaceService

_LABELS = {
    "slug": "Name",
    "title": "Title",
    "quota.cpu": "CPU",
    "quota.memory": "Memory",
    "quota.storage": "Storage",
    "quota.pods": "Pods",
}
_RULES = {
    "rules.self_service": "Self-service",
    "rules.auto_approve_workspaces": "Workspaces per person without an approver",
    "rules.max_days": "Longest life of a workspace",
    "rules.request_days": "Days until a request expires",
}
_AUTO = {f"auto.{name}": f"Granted at once: {label}" for name, label in (
    ("cpu", "CPU"), ("memory", "memory"), ("storage", "storage"), ("pods", "pods"))}  # fmt: skip
_FIRST = {"quota.cpu": "8", "quota.memory": "16", "quota.storage": "50", "quota.pods": "100"}


def may_manage(tenant: Tenant) -> bool:
    """Whether the person may change members and workspaces here. The services decide again."""
    return web.who().platform_admin or tenant.role is Role.ADMIN


@bp.get("/tenants")
def tenants() -> Response:
    listing = Listing.read(request.path, request.args, ("state",))
    with web.work() as work:
        page = TenantService(work).list(web.query(TenantQuery, listing))
    return web.show(
        "tenants.html",
        page=page,
        listing=listing,
        states=signs.options(signs.TENANT, leave_out=TenantState.DELETED),
        bars={t.slug: quota.bars(t.quota, t.allocated)[:3] for t in page.items},
    )


@bp.get("/tenants/-/new")
def new_tenant() -> Response:
    web.require_platform_admin()
    return web.show("tenant_new.html", form=Form(_FIRST, labels=_LABELS), slug_help=forms.SLUG_HELP)


@bp.post("/tenants/-/new")
def create_tenant() -> Response:
    form = Form(web.fields(_LABELS), labels=_LABELS)
    given_quota, form = forms.read_quota(form)
    given = {"slug": form.value("slug"), "title": form.value("title"), "quota": given_quota}
    try:
        command = forms.fill(TenantCreate, form, given, {"slug": forms.SLUG_HELP})
        with web.work() as work:
            made = TenantService(work).create(command)
    except Incomplete as incomplete:
        return web.show("tenant_new.html", 422, form=incomplete.form, slug_help=forms.SLUG_HELP)
    except PublicError as error:
        return web.show("tenant_new.html", error.status, form=form.with_error(error), slug_help=forms.SLUG_HELP)
    said = web.say(
        f"Tenant {made.title} is created. Next, say who belongs to it.",
        url_for("console.new_member", slug=made.slug),
        "Add the first member",
    )
    return web.go(url_for("console.tenant", slug=made.slug), said)


@bp.get("/tenants/<slug>")
def tenant(slug: str) -> Response:
    listing = Listing.read(request.path, request.args, ())
    with web.work() as work:
        shown = TenantService(work).get(slug)
        page = WorkspaceService(work).list(slug, web.query(WorkspaceQuery, listing))
    return web.show(
        "tenant.html",
        tenant=shown,
        page=page,
        listing=listing,
        bars=quota.bars(shown.quota, shown.allocated),
        manages=may_manage(shown),
        tab="workspaces",
    )


@bp.get("/tenants/<slug>/settings")
def tenant_settings(slug: str) -> Response:
    with web.work() as work:
        shown = TenantService(work).get(slug)
    values = {"title": shown.title, "version": str(shown.version), **forms.quota_values(shown.quota)}
    if shown.rules.auto_approve_quota:
        values |= forms.quota_values(shown.rules.auto_approve_quota, "auto.")
    return _settings(shown, Form({**values, **_rule_values(shown)}, labels={**_LABELS, **_RULES, **_AUTO}))


@bp.post("/tenants/<slug>/settings")
def change_tenant(slug: str) -> Response:
    """Platform admins change quota and rules; a tenant admin's form has the title only."""
    labels = {**_LABELS, **_RULES, **_AUTO}
    form = Form(web.fields({**labels, "version": ""}), labels=labels)
    with web.work() as work:
        shown = TenantService(work).get(slug)
    try:
        given: dict[str, object] = {"title": form.value("title")}
        if web.who().platform_admin:
            given["quota"], form = forms.read_quota(form, like=shown.quota)
            rules = {name.removeprefix("rules."): form.value(name) for name in _RULES}
            rules["self_service"] = rules["self_service"] or "false"
            granted, form = _granted_at_once(shown, form)
            given["rules"] = {**{k: v for k, v in rules.items() if v}, "auto_approve_quota": granted}
        command = forms.fill(TenantUpdate, form, given)
        with web.work() as work:
            TenantService(work).update(slug, command, web.version(form))
    except Incomplete as incomplete:
        return _settings(shown, incomplete.form, 422)
    except PublicError as error:
        return _settings(shown, form.with_error(error), error.status)
    return web.go(url_for("console.tenant_settings", slug=slug), web.say("The settings are saved."))


@bp.get("/tenants/<slug>/<any(suspend, resume, delete):change>")
def ask_tenant(slug: str, change: str) -> Response:
    web.require_platform_admin()
    with web.work() as work:
        shown = TenantService(work).get(slug)
    return _ask(shown, change, Form(labels={"name": "Name"}))


@bp.post("/tenants/<slug>/<any(suspend, resume, delete):change>")
def do_tenant(slug: str, change: str) -> Response:
    with web.work() as work:
        service = TenantService(work)
        shown = service.get(slug)
        if change == "delete" and request.form.get("name", "").strip() != slug:
            form = Form(web.fields({"name": ""}), {"name": f"Type {slug} to confirm."}, {"name": "Name"})
            return _ask(shown, change, form, 422)
        operation = getattr(service, change)(slug)
    return web.go(url_for("console.operation", operation=operation.id))


def _ask(tenant: Tenant, change: str, form: Form, status: int = 200) -> Response:
    return web.show("tenant_ask.html", status, tenant=tenant, change=change, form=form)


def _settings(tenant: Tenant, form: Form, status: int = 200) -> Response:
    if not may_manage(tenant):
        form = replace(form, problem="")
    return web.show(
        "tenant_settings.html", status, tenant=tenant, form=form, manages=may_manage(tenant), tab="settings",
        bars=quota.bars(tenant.quota, tenant.allocated),
    )  # fmt: skip


def _granted_at_once(tenant: Tenant, form: Form) -> tuple[Quota | None, Form]:
    """The size up to which workspaces need no approver; all fields empty: none is granted so."""
    if not any(form.value(name) for name in _AUTO):
        return None, form
    return forms.read_quota(form, "auto.", like=tenant.rules.auto_approve_quota)


def _rule_values(tenant: Tenant) -> dict[str, str]:
    rules = Rules.model_fields
    shown = {f"rules.{name}": getattr(tenant.rules, name) for name in rules if f"rules.{name}" in _RULES}
    return {n: ("true" if v is True else "" if v is None or v is False else str(v)) for n, v in shown.items()}
