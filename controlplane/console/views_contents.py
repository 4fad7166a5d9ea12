"""What runs in a workspace: on the workspace's page, as a list, each thing by itself with its log, and its actions."""

from __future__ import annotations

from flask import Response, request, url_for

from components.names import Role
from controlplane.console import bp, running, signs, web
from controlplane.console.listing import Listing
from controlplane.console.running import Section
from controlplane.contents.actions import ActionService
from controlplane.contents.model import ContentAction, ContentKind, ContentQuery, ContentState, Group, LogQuery, Logs
from controlplane.contents.service import ContentService
from controlplane.errors import NotFound, PublicError
from controlplane.http.caller import outside
from controlplane.tenants.model import Tenant
from controlplane.tenants.service import TenantService
from controlplane.work import Work
from controlplane.workspaces.model import Workspace
from controlplane.workspaces.service import WorkspaceService

_LIVE = frozenset({ContentState.WAITING, ContentState.STARTING, ContentState.RUNNING, ContentState.ENDING})
_ALL = "/workspaces/<tenant>/<name>/contents"
_ONE = _ALL + "/<kind>/<thing>"
_LINES = 500


def overview(work: Work, tenant: str, name: str) -> tuple[tuple[Section, ...], str]:
    """What runs, for the workspace's page, and what is wrong where nothing can be said: the page shows either."""
    try:
        found = _service(work).list(tenant, name, ContentQuery(limit=200))
    except PublicError as error:
        return (), error.detail
    return running.sections(found.items, found.absent), ""


@bp.get("/workspaces/<tenant>/<name>/running")
def workspace_running(tenant: str, name: str) -> Response:
    """The part of the workspace's page that looks again by itself."""
    with web.work() as work:
        shown, owner = place(work, tenant, name)
        parts, problem = overview(work, tenant, name)
    return web.show(
        "workspace_running.html", workspace=shown, sections=parts, problem=problem, works=works_in(owner)
    )  # fmt: skip


@bp.get(_ALL)
def contents(tenant: str, name: str) -> Response:
    listing = Listing.read(request.path, request.args, ("group", "state"))
    with web.work() as work:
        shown, owner = place(work, tenant, name)
        page = _service(work).list(tenant, name, web.query(ContentQuery, listing))
    return web.show(
        "contents.html", workspace=shown, tenant=owner, page=page, listing=listing, works=works_in(owner),
        groups=[(group.value, running.TITLES[group]) for group in Group], states=signs.options(signs.CONTENT),
    )  # fmt: skip


@bp.get(_ONE)
def content(tenant: str, name: str, kind: str, thing: str) -> Response:
    return _page("content.html", tenant, name, kind, thing)


@bp.get(_ONE + "/panel")
def content_panel(tenant: str, name: str, kind: str, thing: str) -> Response:
    return _page("content_panel.html", tenant, name, kind, thing)


@bp.get(_ONE + "/log")
def content_log(tenant: str, name: str, kind: str, thing: str) -> Response:
    """The part with the log, which looks again by itself while there is something to come."""
    known, pod = kind_of(kind), _pod()
    with web.work() as work:
        live = _service(work).get(tenant, name, known, thing).content.state in _LIVE
        logs = _logs(work, tenant, name, known, thing)
    return web.show("content_log.html", logs=logs, live=live, url=_log_url(tenant, name, kind, thing, pod))


@bp.get(_ONE + "/delete")
def ask_content(tenant: str, name: str, kind: str, thing: str) -> Response:
    return _page("content_ask.html", tenant, name, kind, thing)


@bp.post(_ONE + "/<any(stop, resume, delete):action>")
def do_content(tenant: str, name: str, kind: str, thing: str, action: str) -> Response:
    wanted = ContentAction(action)
    with web.work() as work:
        done = ActionService(work, outside().cluster).act(tenant, name, kind_of(kind), thing, wanted).content
    said = {
        ContentAction.STOP: f"{thing} is being stopped.",
        ContentAction.RESUME: f"{thing} is resumed.",
        ContentAction.DELETE: f"{thing} is being deleted.",
    }[wanted]
    gone = wanted is ContentAction.DELETE or done.kind is ContentKind.NOTEBOOK
    back = url_for("console.workspace", tenant=tenant, name=name)
    there = url_for("console.content", tenant=tenant, name=name, kind=kind, thing=thing)
    return web.go(back if gone else there, web.say(said))


def works_in(owner: Tenant) -> bool:
    """Whether the person may start and stop things there; RBAC decides again."""
    return owner.role in (Role.MEMBER, Role.ADMIN) and owner.state == "active"


def _service(work: Work) -> ContentService:
    there = outside()
    return ContentService(work, there.cluster, there.tracking)


def place(work: Work, tenant: str, name: str) -> tuple[Workspace, Tenant]:
    return WorkspaceService(work).get(tenant, name), TenantService(work).get(tenant)


def kind_of(kind: str) -> ContentKind:
    try:
        return ContentKind(kind)
    except ValueError:
        raise NotFound from None


def _pod() -> str | None:
    return request.args.get("pod", "").strip()[:253] or None


def _page(template: str, tenant: str, name: str, kind: str, thing: str) -> Response:
    known, pod = kind_of(kind), _pod()
    with web.work() as work:
        shown, owner = place(work, tenant, name)
        found = _service(work).get(tenant, name, known, thing)
        logs = _logs(work, tenant, name, known, thing) if template == "content.html" else None
    return web.show(
        template, workspace=shown, tenant=owner, detail=found, item=found.content, works=works_in(owner), pod=pod,
        live=found.content.state in _LIVE, logs=logs, url=_log_url(tenant, name, kind, thing, pod),
    )  # fmt: skip


def _log_url(tenant: str, name: str, kind: str, thing: str, pod: str | None) -> str:
    return url_for("console.content_log", tenant=tenant, name=name, kind=kind, thing=thing, pod=pod)


def _logs(work: Work, tenant: str, name: str, kind: ContentKind, thing: str) -> Logs:
    """Nothing about a log spoils the page: what is refused or gone is said in its place."""
    try:
        query = LogQuery(tail=_LINES, pod=_pod())
        return _service(work).logs(tenant, name, kind, thing, query)
    except (PublicError, ValueError) as error:
        detail = error.detail if isinstance(error, PublicError) else "There is no such pod."
        return Logs(pod=None, container=None, lines=(), note=detail)
