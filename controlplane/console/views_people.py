"""People with a local account: for platform admins only."""

from __future__ import annotations

from flask import Response, request, url_for

from controlplane.auth.accounts import AccountService
from controlplane.auth.model import AccountCreate, AccountQuery, AccountUpdate
from controlplane.console import bp, forms, web
from controlplane.console.forms import Form, Incomplete
from controlplane.console.listing import Listing
from controlplane.errors import PublicError

_LABELS = {"name": "User name", "title": "Full name", "password": "First password", "groups": "Groups"}

_PASSWORD = {"password": "New password"}


@bp.get("/people")
def people() -> Response:
    web.require_platform_admin()
    listing = Listing.read(request.path, request.args, ())
    with web.work() as work:
        page = AccountService(work).list(web.query(AccountQuery, listing))
    return web.show("people.html", page=page, listing=listing)


@bp.get("/people/new")
def new_person() -> Response:
    web.require_platform_admin()
    return web.show("person_new.html", form=Form(labels=_LABELS))


@bp.post("/people/new")
def create_person() -> Response:
    form = Form(web.fields([n for n in (*_LABELS, "platform_admin") if n != "password"]), labels=_LABELS)
    given = {
        "name": form.value("name"),
        "title": form.value("title"),
        "platform_admin": form.value("platform_admin"),
        "groups": form.value("groups").replace(",", " ").split(),
        "password": request.form.get("password", ""),
    }
    messages = {
        "name": "Lower-case letters, digits, dots and dashes, beginning with a letter or digit.",
        "groups": "Group names separated by spaces.",
    }
    try:
        command = forms.fill(AccountCreate, form, given, messages)
        with web.work() as work:
            made = AccountService(work).create(command)
    except Incomplete as incomplete:
        return web.show("person_new.html", 422, form=incomplete.form)
    except PublicError as error:
        return web.show("person_new.html", error.status, form=form.with_error(error))
    return web.go(url_for("console.people"), web.say(f"{made.name} can sign in now."))


@bp.get("/people/<name>/password")
def ask_password(name: str) -> Response:
    web.require_platform_admin()
    with web.work() as work:
        shown = AccountService(work).get(name)
    return web.show("person_password.html", person=shown, form=Form(labels=_PASSWORD))


@bp.post("/people/<name>/password")
def set_password(name: str) -> Response:
    """For somebody who forgot theirs: all their sessions end."""
    with web.work() as work:
        shown = AccountService(work).get(name)
    form, given = Form(labels=_PASSWORD), {"password": request.form.get("password", "")}
    if not given["password"]:
        form = Form(errors={"password": "Fill this in."}, labels=_PASSWORD)
    try:
        command = forms.fill(AccountUpdate, form, given)
        with web.work() as work:
            AccountService(work).update(name, command)
    except Incomplete as incomplete:
        return web.show("person_password.html", 422, person=shown, form=incomplete.form)
    except PublicError as error:
        return web.show("person_password.html", error.status, person=shown, form=form.with_error(error))
    return web.go(url_for("console.people"), web.say(f"{name} has a new password and is signed out everywhere."))


@bp.post("/people/<name>/<any(disable, enable):change>")
def change_person(name: str, change: str) -> Response:
    with web.work() as work:
        AccountService(work).update(name, AccountUpdate(disabled=change == "disable"))
    said = f"{name} is signed out everywhere and cannot sign in." if change == "disable" else f"{name} can sign in."
    return web.go(url_for("console.people"), web.say(said))
