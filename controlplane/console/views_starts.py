"""Starting a pipeline: a form with a field for each of its parameters, in a dialog where scripts run."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request, url_for

from controlplane.console import bp, web
from controlplane.console.forms import Form
from controlplane.console.views_contents import kind_of, place
from controlplane.contents.model import ContentStart, Parameter
from controlplane.contents.starts import StartService
from controlplane.errors import Invalid, PublicError
from controlplane.http.caller import outside

_ONE = "/workspaces/<tenant>/<name>/contents/<kind>/<thing>/start"
_PREFIX = "parameters."


@bp.get(_ONE)
def ask_start(tenant: str, name: str, kind: str, thing: str) -> Response:
    return _form(tenant, name, kind, thing)


@bp.post(_ONE)
def start_content(tenant: str, name: str, kind: str, thing: str) -> Response:
    try:
        with web.work() as work:
            service = StartService(work, outside().cluster)
            item, parameters = service.asked(tenant, name, kind_of(kind), thing)
            given = _given(parameters)
            made = service.start(tenant, name, kind_of(kind), thing, _command(given)).content
    except Invalid as error:
        return _form(tenant, name, kind, thing, error)
    there = url_for("console.content", tenant=tenant, name=name, kind=made.kind.value, thing=made.name)
    return web.go(there, web.say(f"{item.name} is started as {made.name}."))


def _command(given: dict[str, str]) -> ContentStart:
    """Names come from the parameters themselves; only a value may be too long or hold what no value may."""
    try:
        return ContentStart(parameters=given)
    except ValueError:
        raise Invalid("A value is too long, or holds characters that no value may hold.") from None


def _given(parameters: Sequence[Parameter]) -> dict[str, str]:
    """What the form holds, as it was typed. Empty counts as absent where there is no default to empty."""
    typed = {p.name: request.form.get(_PREFIX + p.name, "").replace("\r\n", "\n") for p in parameters}
    return {p.name: typed[p.name] for p in parameters if typed[p.name] or (p.value is not None and not p.options)}


def _form(tenant: str, name: str, kind: str, thing: str, error: PublicError | None = None) -> Response:
    """With the defaults; after an error with what was typed, and what is wrong with it."""
    with web.work() as work:
        shown, owner = place(work, tenant, name)
        item, parameters = StartService(work, outside().cluster).asked(tenant, name, kind_of(kind), thing)
    labels = {_PREFIX + p.name: p.name for p in parameters}
    if error is None:
        form = Form({_PREFIX + p.name: p.value or "" for p in parameters}, labels=labels)
    else:
        form = Form({field: request.form.get(field, "") for field in labels}, labels=labels).with_error(error)
    return web.show(
        "content_start.html", 200 if error is None else error.status, workspace=shown, tenant=owner, item=item,
        parameters=parameters, form=form, choices=_choices,
    )  # fmt: skip


def _choices(options: Sequence[str]) -> list[tuple[str, str]]:
    return [(option, option) for option in options]
