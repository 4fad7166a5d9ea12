"""Members of a tenant: who, with which role, until when."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, url_for

from components.names import Role
from controlplane.console import bp, forms, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.console.views_tenants import may_manage
from controlplane.errors import NotFound, PublicError
from controlplane.members.model import MemberCreate, MemberKind, MemberQuery, MemberUpdate
from controlplane.members.service import MemberService
from controlplane.tenants.model import Tenant
from controlplane.tenants.service import TenantService
from controlplane.work import Work

_LABELS = {"kind": "Kind", "subject": "Name", "role": "Role", "expires_at": "Until"}
ROLES = (
    (Role.MEMBER.value, "Member: works in the workspaces and asks for new ones"),
    (Role.ADMIN.value, "Admin: also manages members, workspaces and requests"),
    (Role.VIEWER.value, "Viewer: sees everything, changes nothing"),
)
KINDS = ((MemberKind.ACCOUNT.value, "Person"), (MemberKind.GROUP.value, "Group"))


@bp.get("/tenants/<slug>/members")
def members(slug: str) -> Response:
    listing = Listing.read(request.path, request.args, ("role",))
    with web.work() as work:
        tenant = TenantService(work).get(slug)
        page = MemberService(work).list(slug, web.query(MemberQuery, listing))
    return web.show(
        "members.html", tenant=tenant, page=page, listing=listing, manages=may_manage(tenant),
        roles=[(r.value, r.value.capitalize()) for r in Role],
        tab="members",
    )  # fmt: skip


@bp.get("/tenants/<slug>/members/new")
def new_member(slug: str) -> Response:
    return _form(slug, Form({"kind": "account", "role": "member"}, labels=_LABELS))


@bp.post("/tenants/<slug>/members/new")
def add_member(slug: str) -> Response:
    form = Form(web.fields(_LABELS), labels=_LABELS)
    given = {**form.values, "expires_at": forms.end_of_day(form.value("expires_at"))}
    messages = {"subject": "A user or group name, without spaces.", "expires_at": "A date such as 2026-12-31."}
    try:
        command = forms.fill(MemberCreate, form, given, messages)
        with web.work() as work:
            member = MemberService(work).add(slug, command)
    except Incomplete as incomplete:
        return _form(slug, incomplete.form, 422)
    except PublicError as error:
        return _form(slug, form.with_error(error), error.status)
    return web.go(url_for("console.members", slug=slug), web.say(f"{member.subject} is now {member.role.value} here."))


@bp.post("/tenants/<slug>/members/<uuid:member>/role")
def change_role(slug: str, member: UUID) -> Response:
    command = forms.fill(MemberUpdate, Form(labels=_LABELS), web.fields({"role": ""}))
    with web.work() as work:
        changed = MemberService(work).update(slug, member, command)
    said = web.say(f"{changed.subject} is now {changed.role.value} here.")
    return web.go(url_for("console.members", slug=slug), said)


@bp.get("/tenants/<slug>/members/<uuid:member>/remove")
def ask_member(slug: str, member: UUID) -> Response:
    with web.work() as work:
        tenant = _managed(work, slug)
        shown = MemberService(work).get(slug, member)
    form = Form({"role": shown.role.value}, labels=_LABELS)
    return web.show("member_ask.html", tenant=tenant, member=shown, roles=ROLES, form=form)


@bp.post("/tenants/<slug>/members/<uuid:member>/remove")
def remove_member(slug: str, member: UUID) -> Response:
    with web.work() as work:
        service = MemberService(work)
        subject = service.get(slug, member).subject
        service.remove(slug, member)
    said = web.say(f"{subject} no longer belongs to this tenant.")
    return web.go(url_for("console.members", slug=slug), said)


def _managed(work: Work, slug: str) -> Tenant:
    """The tenant, for people who may change its members; NotFound for everybody else."""
    tenant = TenantService(work).get(slug)
    if not may_manage(tenant):
        raise NotFound
    return tenant


def _form(slug: str, form: Form, status: int = 200) -> Response:
    with web.work() as work:
        tenant = _managed(work, slug)
    return web.show("member_new.html", status, tenant=tenant, form=form, roles=ROLES, kinds=KINDS)
