"""Where people land, and the search over everything they may see."""

from __future__ import annotations

from flask import Response, request, url_for

from controlplane.auth.accounts import AccountService
from controlplane.auth.model import AccountQuery
from controlplane.console import bp, quota, web
from controlplane.operations.model import ACTIVE, OperationQuery, OperationState
from controlplane.operations.service import OperationService
from controlplane.requests.model import RequestQuery
from controlplane.requests.service import RequestService
from controlplane.tenants.model import TenantQuery
from controlplane.tenants.service import TenantService
from controlplane.workspaces.model import WorkspaceQuery
from controlplane.workspaces.service import WorkspaceService

_FEW = 6
_FOUND = 10


@bp.get("/")
def home() -> Response:
    """Platform admins see what needs them; everybody else goes straight to their workspaces."""
    if not web.who().platform_admin:
        return web.go(url_for("console.workspaces"))
    with web.work() as work:
        operations = OperationService(work)
        waiting = RequestService(work).list(RequestQuery(decidable=True, limit=_FEW))
        broken = [
            operation
            for state in (OperationState.FAILED, OperationState.PARKED)
            for operation in operations.list(OperationQuery(state=state, limit=_FEW)).items
        ]
        running = [o for state in ACTIVE for o in operations.list(OperationQuery(state=state, limit=_FEW)).items]
        tenants = TenantService(work).list(TenantQuery(limit=_FEW))
    newest = sorted(broken, key=lambda o: o.created_at, reverse=True)[:_FEW]
    return web.show(
        "home.html",
        waiting=waiting,
        broken=newest,
        running=sorted(running, key=lambda o: o.created_at, reverse=True)[:_FEW],
        tenants=tenants,
        bars={t.slug: quota.bars(t.quota, t.allocated) for t in tenants.items},
    )


@bp.get("/search")
def search() -> Response:
    """Names that contain the words. Operations are found by the tenant or workspace they work on, or by their id."""
    words = request.args.get("q", "").strip()[:100]
    if not words:
        return web.show("search.html", words="", found=None)
    with web.work() as work:
        found = {
            "tenants": TenantService(work).list(TenantQuery(search=words, limit=_FOUND)).items,
            "workspaces": WorkspaceService(work).mine(WorkspaceQuery(search=words, limit=_FOUND)).items,
            "people": (
                AccountService(work).list(AccountQuery(search=words, limit=_FOUND)).items
                if web.who().platform_admin
                else ()
            ),
            "operations": OperationService(work).list(OperationQuery(search=words, limit=_FOUND)).items,
        }
    return web.show("search.html", words=words, found=found)
