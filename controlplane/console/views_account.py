"""Signing in and out, the look, one's own password and tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from flask import Response, request, url_for

from controlplane.auth.model import Login, PasswordChange, Scope, TokenCreate
from controlplane.auth.service import AuthService
from controlplane.auth.tokens import TokenService
from controlplane.console import bp, forms, security, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.errors import PublicError, TooMany, Unauthenticated
from controlplane.model import Paging
from controlplane.tenants.model import TenantQuery
from controlplane.tenants.service import TenantService

_SIGN_IN = {"account": "User name", "password": "Password"}
_PASSWORD = {"current": "Current password", "new": "New password", "again": "New password again"}
_TOKEN = {"name": "Name", "scopes": "What it may do", "tenant": "Tenant", "expires_at": "Expires"}
SCOPES = (
    (Scope.READ, "Read", "See what you see, through the API."),
    (Scope.WRITE, "Change", "Make changes in your name, through the API."),
    (Scope.TRACKING, "Track", "Log runs and models to MLflow."),
    (Scope.KUBERNETES, "Kubernetes", "Use kubectl and Kubernetes SDKs in your workspaces."),
)
LIFETIMES = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "365 days"))


@bp.get("/login")
def sign_in_form() -> Response:
    if web.signed_in():
        return web.go(url_for("console.home"))
    return web.show("signin.html", form=Form(labels=_SIGN_IN), left=request.args.get("left") == "1", next=_next())


@bp.post("/login")
def sign_in() -> Response:
    form = Form({"account": request.form.get("account", "").strip()}, labels=_SIGN_IN)
    given = {**form.values, "password": request.form.get("password", "")}
    try:
        command = forms.fill(Login, form, given)
        with web.work() as work:
            session = AuthService(work).login(command)
    except Incomplete as incomplete:
        return web.show("signin.html", 422, form=incomplete.form, left=False, next=_next())
    except (Unauthenticated, TooMany) as error:
        form = replace(form, problem=error.detail)
        return web.show("signin.html", error.status, form=form, left=False, next=_next())
    return web.start_session(session, security.local_path(_next(), url_for("console.home")))


@bp.post("/signout")
def sign_out() -> Response:
    with web.work() as work:
        AuthService(work).logout(web.session_secret())
    return web.end_session(url_for("console.sign_in_form", left=1))


@bp.post("/theme")
def set_theme() -> Response:
    response = web.go(security.local_path(request.form.get("next"), url_for("console.home")))
    return web.keep_theme(response, request.form.get("theme", ""))


@bp.get("/account")
def account() -> Response:
    return web.show("account.html", form=Form(labels=_PASSWORD))


@bp.post("/account")
def change_password() -> Response:
    form = Form(labels=_PASSWORD)
    new, again = request.form.get("new", ""), request.form.get("again", "")
    if new != again:
        form = replace(form, errors={"again": "This differs from the new password."})
    try:
        command = forms.fill(PasswordChange, form, {"current": request.form.get("current", ""), "new": new})
        with web.work() as work:
            AuthService(work).change_password(command)
    except Incomplete as incomplete:
        return web.show("account.html", 422, form=incomplete.form)
    except PublicError as error:
        return web.show("account.html", error.status, form=form.with_error(error))
    return web.go(url_for("console.account"), web.say("Your password is changed. Your other sessions were signed out."))


@bp.get("/tokens")
def tokens() -> Response:
    listing = Listing.read(request.path, request.args, ())
    with web.work() as work:
        page = TokenService(work).list(Paging.model_validate(listing.query()))
    return web.show("tokens.html", page=page, listing=listing)


@bp.get("/tokens/new")
def new_token() -> Response:
    return _token_form(Form({"lifetime": "30", **{f"scope.{s}": "true" for s in Scope}}, labels=_TOKEN))


@bp.post("/tokens/new")
def create_token() -> Response:
    """Answers with the secret on the page itself: it is shown this once, and a reload must not bring it back."""
    fields = ("name", "lifetime", "tenant", *(f"scope.{s}" for s in Scope))
    form = Form({n: request.form.get(n, "").strip() for n in fields}, labels=_TOKEN)
    lifetime = form.value("lifetime")
    days = int(lifetime) if lifetime in dict(LIFETIMES) else 30
    given = {
        "name": form.value("name"),
        "tenant": form.value("tenant"),
        "scopes": [s for s in Scope if form.value(f"scope.{s}") == "true"],
        "expires_at": web.now() + timedelta(days=days),
    }
    try:
        command = forms.fill(TokenCreate, form, given)
        with web.work() as work:
            made = TokenService(work).create(command)
    except Incomplete as incomplete:
        return _token_form(incomplete.form, 422)
    except PublicError as error:
        return _token_form(form.with_error(error), error.status)
    return web.show("token_made.html", made=made, public_url=web.console().public_url)


@bp.post("/tokens/<uuid:token>/revoke")
def revoke_token(token: UUID) -> Response:
    with web.work() as work:
        TokenService(work).revoke(token)
    return web.go(url_for("console.tokens"), web.say("The token is revoked. It stopped working at once."))


def _token_form(form: Form, status: int = 200) -> Response:
    with web.work() as work:
        tenants = TenantService(work).list(TenantQuery(limit=200)).items
    options = [("", "All my tenants"), *((t.slug, t.title) for t in tenants)]
    return web.show("token_new.html", status, form=form, scopes=SCOPES, lifetimes=LIFETIMES, tenants=options)


def _next() -> str:
    return request.values.get("next", "")
