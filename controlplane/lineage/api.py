"""REST of lineage."""

from __future__ import annotations

from controlplane.http.caller import outside
from controlplane.http.endpoint import Api
from controlplane.lineage.model import Lineage, LineageQuery
from controlplane.lineage.service import LineageService
from controlplane.model import Slug
from controlplane.work import Work

api = Api("lineage")


@api.get("/tenants/{tenant}/workspaces/{workspace}/lineage")
def get_lineage(work: Work, tenant: Slug, workspace: Slug, query: LineageQuery) -> Lineage:
    """Where an endpoint, a model version or a run comes from, and what serves it."""
    there = outside()
    return LineageService(work, there.cluster, there.tracking).get(tenant, workspace, query)
