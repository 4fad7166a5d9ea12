"""Whether RBAC lets the caller do to a workspace's objects what the control plane would do for them."""

from __future__ import annotations

from controlplane.contents.cluster import Cluster
from controlplane.errors import Refused
from controlplane.gate.model import identity_of
from controlplane.gate.service import active_tenants
from controlplane.kube.client import Access
from controlplane.work import Work
from controlplane.workspaces.repository import WorkspaceRow

_WORDS = {"get": "read", "create": "make", "patch": "change", "delete": "delete"}


def require_access(
    work: Work, cluster: Cluster, row: WorkspaceRow, *, verb: str, group: str, resource: str, name: str = "",
    subresource: str = "",
) -> None:  # fmt: skip
    """Asks with a SubjectAccessReview as the caller. Refused, and audited, where the answer is no."""
    who = identity_of(work.principal, active_tenants(work, work.principal))
    allowed = cluster.allowed(
        Access(
            user=who.user, groups=who.groups, verb=verb, group=group, resource=resource, namespace=row.namespace,
            name=name, subresource=subresource,
        )
    )  # fmt: skip
    if allowed:
        return
    what = f"{resource}/{subresource}" if subresource else resource
    work.audit(f"content.{verb}", f"{what}/{row.namespace}/{name}", tenant=row.tenant_id, outcome="refused")
    raise Refused(
        f"Your role in this workspace does not let you {_WORDS[verb]} {what}. An admin of the tenant can change it; "
        "platform admins act in a workspace as members of its tenant.",
        code="rbac",
        commit=True,
    )
