"""The console: server-rendered pages over the same services as the API, live where a script runs.

`init_app(app)` registers it at the site's root. Views are thin; what they share is in `web`.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from flask import Blueprint, Flask, Response, g, redirect, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from controlplane.auth.csrf import FORM_FIELD, csrf_token
from controlplane.console import graphs, quota, security, signs, text, web
from controlplane.console.assets import Assets
from controlplane.errors import NotFound, PublicError, Unauthenticated
from controlplane.settings import Settings

log = logging.getLogger(__name__)
_HERE = Path(__file__).parent
_OPEN = frozenset({"console.sign_in", "console.sign_in_form", "console.asset", "console.favicon"})
"""Endpoints for people who are not signed in."""
_UNCHECKED = frozenset({"GET", "HEAD", "OPTIONS"})


class InternalError(PublicError):
    title = "Something went wrong"


bp = Blueprint("console", __name__, template_folder="templates")


def init_app(app: Flask, settings: Settings) -> None:
    """Registers every page. Forms that do not come from `settings.public_url` are refused."""
    from controlplane.console import (  # noqa: F401
        views_account,
        views_asking,
        views_audit,
        views_contents,
        views_home,
        views_members,
        views_models,
        views_operations,
        views_people,
        views_promotions,
        views_requests,
        views_starts,
        views_tenants,
        views_workspaces,
    )

    assets = Assets(_HERE / "static")
    app.extensions[web.EXTENSION] = web.Console(assets, settings.public_url)
    app.jinja_env.globals.update(
        asset=assets.url,
        nonce=security.nonce,
        csrf_token=lambda: csrf_token(web.token_secret()),
        csrf_field=FORM_FIELD,
    )
    app.jinja_env.filters.update(
        drawing=graphs.drawing,
        utc=text.utc, iso=text.iso, relative=_relative, plural=text.plural, duration=text.duration, words=text.words,
        sentence=text.sentence,
        cores=text.cores, size=text.size, amounts=quota.amounts,
    )  # fmt: skip
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(bp)


def _relative(moment: datetime) -> str:
    return text.relative(moment, web.now())


@bp.before_request
def _find_person() -> AnyResponse | None:
    """Everything but the sign-in page and assets needs a session; every change needs a form of ours."""
    if request.endpoint in {"console.asset", "console.favicon"}:
        return None
    web.load_session()
    if request.endpoint not in _OPEN and not web.signed_in():
        raise Unauthenticated
    if request.method not in _UNCHECKED:
        web.require_own_form()
    return None


@bp.after_request
def _protect(response: Response) -> Response:
    return security.set_headers(response)


@bp.context_processor
def _page() -> dict[str, object]:
    return {
        "theme": web.theme(),
        "here": web.here(),
        "partial": web.is_partial(),
        "request_id": g.get("request_id", ""),
        "tracking_url": web.tracking_url(),
        "notebook_address": web.notebook_address,
        "now": web.now,
        "signs": signs,
    }


@bp.errorhandler(PublicError)
def _public_error(error: PublicError) -> AnyResponse:
    if isinstance(error, Unauthenticated) and request.endpoint not in _OPEN:
        return web.go(url_for("console.sign_in_form", next=web.page_in_sight()))
    return web.error_page(error)


@bp.errorhandler(Exception)
def _unexpected(error: Exception) -> AnyResponse:
    """What nobody foresaw: the log has it, the person gets the request's id to name."""
    if isinstance(error, HTTPException):
        return error.get_response()
    log.exception("unexpected error", exc_info=error)
    return web.error_page(
        InternalError("Something went wrong on our side. Give the request id to the people who run this.")
    )


@bp.get("/assets/<digest>/<path:path>")
def asset(digest: str, path: str) -> Response:
    return web.console().assets.response(digest, path)


@bp.get("/favicon.ico")
def favicon() -> AnyResponse:
    return redirect(web.console().assets.url("logo.svg"))


@bp.get("/<path:path>")
def unknown(path: str) -> Response:  # noqa: ARG001
    """Any other address, so that a wrong link gets a page with navigation; the API answers for its own."""
    raise NotFound
