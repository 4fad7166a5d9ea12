"""Requests: what waits for an answer, one's own, and the answer itself."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import Response, request, url_for

from controlplane.console import bp, forms, quota, signs, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.errors import PublicError
from controlplane.quotas.model import Quota
from controlplane.quotas.text import QuotaText
from controlplane.requests.model import Answer, Request, RequestKind, RequestQuery, RequestState
from controlplane.requests.service import RequestService
from controlplane.tenants.service import TenantService
from controlplane.work import Work

_LABELS = {"reason": "Reason"}
_FIXED: dict[str, dict[str, object]] = {"waiting": {"decidable": True}, "mine": {"mine": True}, "all": {}}


@bp.get("/requests")
def requests() -> Response:
    """`view` is what to show: `waiting` for this person's answer, `mine`, or `all`."""
    listing = Listing.read(request.path, request.args, ("view", "state"))
    view = listing.get("view") if listing.get("view") in _FIXED else "waiting"
    arguments = {k: v for k, v in listing.arguments.items() if k != "view"}
    fixed = _FIXED[view]
    if view == "waiting":
        arguments.pop("state", None)
    with web.work() as work:
        service = RequestService(work)
        if "view" not in listing.arguments and not web.who().platform_admin:
            view, fixed = _first_view(service)
        page = service.list(web.query(RequestQuery, Listing(listing.path, arguments), **fixed))
    return web.show("requests.html", page=page, listing=listing, view=view, states=signs.options(signs.REQUEST))


@bp.get("/requests/<uuid:request_id>")
def request_page(request_id: UUID) -> Response:
    return _page(request_id, Form(labels=_LABELS))


@bp.post("/requests/<uuid:request_id>/<any(approve, reject):answer>")
def answer_request(request_id: UUID, answer: str) -> Response:
    form = Form(web.fields(_LABELS), labels=_LABELS)
    if answer == "reject" and not form.value("reason"):
        form = replace(form, errors={"reason": "Say why, for the person who asked."})
    try:
        command = forms.fill(Answer, form, {"reason": form.value("reason") or "Approved"})
        with web.work() as work:
            decided: Request = getattr(RequestService(work), answer)(request_id, command)
    except Incomplete as incomplete:
        return _page(request_id, incomplete.form, 422)
    except PublicError as error:
        return _page(request_id, form.with_error(error), error.status)
    said = web.say(f"The request of {decided.requester} is {decided.state.value}.")
    return web.go(url_for("console.request_page", request_id=request_id), said)


@bp.post("/requests/<uuid:request_id>/withdraw")
def withdraw_request(request_id: UUID) -> Response:
    with web.work() as work:
        RequestService(work).withdraw(request_id)
    return web.go(url_for("console.request_page", request_id=request_id), web.say("Your request is withdrawn."))


def _first_view(service: RequestService) -> tuple[str, dict[str, object]]:
    """Somebody with nothing to answer sees their own requests first."""
    waiting = service.list(RequestQuery(decidable=True, limit=1))
    return ("waiting", {"decidable": True}) if waiting.items else ("mine", {"mine": True})


def _page(request_id: UUID, form: Form, status: int = 200) -> Response:
    with web.work() as work:
        shown = RequestService(work).get(request_id)
        state = _tenant_state(work, shown)
    own = shown.requester == web.who().name
    return web.show("request.html", status, asked=shown, form=replace(form, labels=_LABELS), own=own, **state)


def _tenant_state(work: Work, shown: Request) -> dict[str, object]:
    """The facts an approver needs: what is asked for, and the tenant's quota now and with it."""
    tenant = TenantService(work).get(shown.tenant)
    wanted = _wanted_quota(shown)
    pending = wanted if wanted and shown.kind is RequestKind.WORKSPACE and shown.state is RequestState.PENDING else None
    reserved = tenant.allocated + pending if pending else tenant.allocated
    return {
        "tenant": tenant,
        "wanted": quota.amounts(wanted) if wanted else (),
        "bars": quota.bars(tenant.quota, reserved),
        "with_it": pending is not None,
    }


def _wanted_quota(shown: Request) -> Quota | None:
    holder = shown.want.get("workspace") if shown.kind is RequestKind.WORKSPACE else shown.want
    text = holder.get("quota") if isinstance(holder, dict) else None
    return QuotaText.model_validate(text).quota() if text else None
