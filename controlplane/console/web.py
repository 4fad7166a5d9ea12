"""What the console's views share: who is here, one unit of work, pages, notices, and how errors look.

A view parses, makes one service call inside `work()`, and shows a page or redirects. Changes come only by POST with
the session's token and end in a redirect.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, redirect, render_template, request, url_for
from pydantic import BaseModel, ValidationError

from controlplane.auth.csrf import FORM_FIELD, HEADER, csrf_matches, same_origin
from controlplane.auth.model import NewSession, Principal
from controlplane.auth.service import AuthService
from controlplane.console import navigation, notices
from controlplane.console.assets import Assets
from controlplane.console.forms import Form
from controlplane.console.listing import PAGE_SIZE, Listing
from controlplane.console.notices import Notice
from controlplane.contents.reading import notebooks
from controlplane.errors import NotFound, PublicError, Refused, Unauthenticated
from controlplane.http import caller
from controlplane.work import Work
from controlplane.workspaces.model import Workspace

Q = TypeVar("Q", bound=BaseModel)
THEME_COOKIE = "mlp_theme"
BEFORE_COOKIE = "__Host-mlp_before"
"""Holds a random value for the sign-in form, when there is no session yet to derive its token from."""
_THEMES = frozenset({"auto", "light", "dark"})
EXTENSION = "mlp-console"


@dataclass(frozen=True)
class Console:
    """What the console was set up with."""

    assets: Assets
    public_url: str


def console() -> Console:
    found: Console = current_app.extensions[EXTENSION]
    return found


def work() -> AbstractContextManager[Work]:
    """One transaction of the person who is here; committed at the end, rolled back on an error."""
    return caller.runtime().work(g.get("console_principal"), caller.origin())


def load_session(*, again: bool = False) -> None:
    """Finds out who is here from the cookie, afresh from the database at every request.

    `again` True, in a long answer: Unauthenticated when the session has ended since.
    """
    secret = request.cookies.get(caller.SESSION_COOKIE, "")
    if not secret:
        return
    with caller.runtime().work(None, caller.origin()) as unit:
        principal = AuthService(unit).by_session(secret)
    if principal:
        g.console_principal, g.console_secret = principal, secret
    elif again:
        raise Unauthenticated


def signed_in() -> bool:
    return "console_principal" in g


def who() -> Principal:
    """The person of this request. Raises Unauthenticated when nobody is signed in."""
    found: Principal | None = g.get("console_principal")
    if found is None:
        raise Unauthenticated
    return found


def session_secret() -> str:
    secret: str = g.get("console_secret", "")
    return secret


def now() -> datetime:
    return caller.runtime().clock()


def token_secret() -> str:
    """What this response's form token is derived from: the session, or before sign-in a random cookie."""
    if session_secret():
        return session_secret()
    if "console_before" not in g:
        g.console_before = request.cookies.get(BEFORE_COOKIE) or secrets.token_urlsafe(32)
    value: str = g.console_before
    return value


def require_own_form() -> None:
    """Refuses a change that does not come from a page of ours. Call before anything reads the form's content."""
    given = request.headers.get(HEADER) or request.form.get(FORM_FIELD)
    known = session_secret() or request.cookies.get(BEFORE_COOKIE, "")
    if not known or not csrf_matches(known, given) or not same_origin(request.headers, console().public_url):
        raise Refused("This form is no longer valid. Open the page again and repeat the change.", code="csrf")


def is_partial() -> bool:
    """Whether a script asks for a part of a page. One that picks its part out of the whole page gets the whole."""
    return request.headers.get("HX-Request-Type") == "partial"


def fields(names: Iterable[str]) -> dict[str, str]:
    """What the form holds in these fields, without white space around it; absent counts as empty."""
    return {name: request.form.get(name, "").strip() for name in names}


def ticked(prefix: str) -> dict[str, str]:
    """The ticked boxes of the form whose names begin with the prefix, as values of a form."""
    return {name: value for name, value in request.form.items() if name.startswith(prefix) and value == "true"}


def version(form: Form) -> int | None:
    """The version the person saw when the form was shown, so that two do not overwrite each other."""
    text = form.value("version")
    return int(text) if text.isdecimal() else None


def query(model: type[Q], listing: Listing, **fixed: object) -> Q:
    """The query of a list from its address. An address that cannot be understood shows the list from its start."""
    try:
        return model.model_validate(listing.query(**fixed))
    except ValidationError:
        return model.model_validate({"limit": PAGE_SIZE, **fixed})


def require_platform_admin() -> None:
    if not who().platform_admin:
        raise NotFound


def theme() -> str:
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in _THEMES else "auto"


def here() -> str:
    """The address to come back to: of the page shown, or the one whose form was sent."""
    return request.full_path.rstrip("?") if request.method == "GET" else page_in_sight() or "/"


def tracking_url() -> str:
    """Where MLflow shows the workspace whose namespace is appended; empty where it is not installed."""
    settings = caller.runtime().settings
    return f"{settings.public_url}/mlflow/#/experiments?workspace=" if settings.facts.tracking else ""


def notebook_address(workspace: Workspace) -> str:
    """Where the person opens their own notebook in a workspace, and starts it where it does not run."""
    return notebooks.address(who().name, workspace.namespace)


def page_in_sight() -> str | None:
    """The address of the page that the person looks at: also when it was a form or a script on it that asked."""
    if request.method == "GET" and "HX-Request" not in request.headers:
        return request.full_path.rstrip("?")
    parts = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if parts.netloc != request.host:
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def show(template: str, status: int = 200, **values: Any) -> Response:
    """A page or a part of one. A notice waiting in the cookie is shown once, on whole pages only."""
    notice = None
    if not is_partial() and session_secret():
        notice = notices.unpack(request.cookies.get(notices.COOKIE), session_secret())
    person = g.get("console_principal")
    entries = navigation.items(person, request.path, url_for) if person else ()
    page = render_template(f"console/{template}", notice=notice, who=person, navigation=entries, **values)
    response = make_response(page, status)
    if request.cookies.get(notices.COOKIE) and not is_partial():
        response.delete_cookie(notices.COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    if "console_before" in g and BEFORE_COOKIE not in request.cookies:
        response.set_cookie(BEFORE_COOKIE, g.console_before, secure=True, httponly=True, samesite="Strict")
    return response


def go(target: str, notice: Notice | None = None) -> Response:
    """The redirect that ends a change (303). A script's request is told to load the whole page instead."""
    if "HX-Request" in request.headers:
        response = make_response("", 204)
        response.headers["HX-Redirect"] = target
    else:
        response = make_response(redirect(target, 303))
    if notice:
        packed = notices.pack(notice, session_secret())
        response.set_cookie(notices.COOKIE, packed, max_age=60, secure=True, httponly=True, samesite="Strict")
    return response


def start_session(session: NewSession, target: str) -> Response:
    """The redirect after signing in, with the new session's cookie; the sign-in form's own secret has done its work."""
    response = go(target)
    caller.set_session(response, session)
    response.delete_cookie(BEFORE_COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    return response


def end_session(target: str) -> Response:
    response = go(target)
    caller.clear_session(response)
    response.delete_cookie(notices.COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    return response


def keep_theme(response: Response, chosen: str) -> Response:
    if chosen in _THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=31_536_000, secure=True, httponly=True, samesite="Lax")
    return response


def say(text: str, link: str = "", link_text: str = "") -> Notice:
    return Notice("success", text, link, link_text)


def error_page(error: PublicError) -> Response:
    """Absent and forbidden look alike: both are raised as NotFound by the services."""
    template = "error_part.html" if is_partial() else "error.html" if signed_in() else "error_outside.html"
    response = show(template, error.status, title=error.title, detail=error.detail, code=error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
