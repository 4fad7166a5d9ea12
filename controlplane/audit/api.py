"""REST of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from controlplane.audit.model import AuditEvent, AuditQuery, Verification
from controlplane.audit.service import AuditService
from controlplane.auth.model import Origin, Principal
from controlplane.http.caller import runtime
from controlplane.http.endpoint import Api
from controlplane.http.stream import LINES_TYPE, line_stream
from controlplane.model import Page, Slug
from controlplane.runtime import Runtime
from controlplane.work import Work

api = Api("audit")


@api.get("/audit")
def list_platform_audit(work: Work, query: AuditQuery) -> Page[AuditEvent]:
    """What happened on the platform outside of tenants. Platform admins only."""
    return AuditService(work).list(None, query)


@api.get("/audit/export", raw=LINES_TYPE)
def export_platform_audit(work: Work) -> Response:
    """The platform's whole chain, oldest first, one event a line."""
    return _export(work, None)


@api.get("/audit/verify")
def verify_platform_audit(work: Work) -> Verification:
    """Prove the platform's chain; names the first event that does not fit."""
    return AuditService(work).verify(None)


@api.get("/tenants/{tenant}/audit")
def list_tenant_audit(work: Work, tenant: Slug, query: AuditQuery) -> Page[AuditEvent]:
    """What happened in a tenant. Its admins and platform admins only."""
    return AuditService(work).list(tenant, query)


@api.get("/tenants/{tenant}/audit/export", raw=LINES_TYPE)
def export_tenant_audit(work: Work, tenant: Slug) -> Response:
    """A tenant's whole chain, oldest first, one event a line."""
    return _export(work, tenant)


@api.get("/tenants/{tenant}/audit/verify")
def verify_tenant_audit(work: Work, tenant: Slug) -> Verification:
    """Prove a tenant's chain; names the first event that does not fit."""
    return AuditService(work).verify(tenant)


def _export(work: Work, tenant: str | None) -> Response:
    chain = AuditService(work).chain(tenant)
    lines = _lines(runtime(), work.principal, work.origin, chain)
    return line_stream(lines, f"audit-{tenant or 'platform'}.ndjson")


def _lines(held: Runtime, principal: Principal, origin: Origin, chain: str) -> Iterator[str]:
    with held.work(principal, origin) as work:
        for event in AuditService(work).read(chain):
            yield event.model_dump_json()
