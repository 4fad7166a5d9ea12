"""The audit trail: read, proven, exported; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from flask import Response, request, stream_with_context

from components.names import Role
from controlplane.audit.model import AuditQuery
from controlplane.audit.service import AuditService
from controlplane.console import bp, web
from controlplane.console.listing import Listing
from controlplane.console.navigation import audits
from controlplane.errors import NotFound
from controlplane.tenants.model import TenantQuery
from controlplane.tenants.service import TenantService


@bp.get("/audit")
def audit() -> Response:
    """`tenant` empty: the platform's own chain, which only platform admins see."""
    listing = Listing.read(request.path, request.args, ("tenant", "since", "until"))
    chains = _chains()
    chain = listing.get("tenant") or chains[0][0]
    arguments = {k: v for k, v in listing.arguments.items() if k in {"search", "cursor"}}
    times = {k: _moment(listing.get(k), end=k == "until") for k in ("since", "until") if listing.get(k)}
    with web.work() as work:
        page = AuditService(work).list(chain or None, web.query(AuditQuery, Listing(listing.path, arguments), **times))
    return web.show("audit.html", page=page, listing=listing, chains=chains, chain=chain)


@bp.get("/audit/verify")
def verify_audit() -> Response:
    chain = _chain()
    with web.work() as work:
        proof = AuditService(work).verify(chain or None)
    return web.show("audit_verified.html", proof=proof, chain=chain)


@bp.get("/audit/export")
def export_audit() -> Response:
    """The whole chain as JSON lines, oldest first: enough to verify it elsewhere."""
    chain = _chain()

    def lines() -> Iterator[str]:
        with web.work() as work:
            for event in AuditService(work).export(chain or None):
                yield event.model_dump_json() + "\n"

    response = Response(stream_with_context(lines()), content_type="application/x-ndjson")
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{chain or "platform"}.jsonl"'
    return response


def _chain() -> str:
    chains = dict(_chains())
    chain = request.args.get("tenant", next(iter(chains)))
    if chain not in chains:
        raise NotFound
    return chain


def _chains() -> list[tuple[str, str]]:
    """The chains this person may read, as value and name: tenants they administer, the platform for its admins."""
    person = web.who()
    if not audits(person):
        raise NotFound
    with web.work() as work:
        tenants = TenantService(work).list(TenantQuery(limit=200)).items
    own = [(t.slug, t.title) for t in tenants if person.platform_admin or t.role is Role.ADMIN]
    return [("", "Platform"), *own] if person.platform_admin else own


def _moment(text: str, *, end: bool) -> datetime | None:
    """The start or the last second of a day given as 2026-12-31; None when it is no date."""
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59) if end else time(), tzinfo=UTC)
    except ValueError:
        return None
