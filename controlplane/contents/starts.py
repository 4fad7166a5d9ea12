"""Starting pipelines: a workflow of a template, of a schedule before its time, of one that ended once more.

The workflow is made in the person's name (`kube.people`): RBAC, admission and quotas decide about the person, and the
control plane needs no right to make anything.
"""

from __future__ import annotations

import secrets

from components.contract import KubernetesObject
from components.names import tenant_group
from controlplane.auth.policy import Action
from controlplane.contents import starting
from controlplane.contents.actions import check_possible
from controlplane.contents.cluster import Cluster
from controlplane.contents.kinds import KINDS, Kind
from controlplane.contents.model import Content, ContentAction, ContentDetail, ContentKind, ContentStart, Parameter
from controlplane.contents.reading.scene import Scene, content
from controlplane.contents.rights import require_access
from controlplane.contents.service import ContentService
from controlplane.errors import Invalid, Refused
from controlplane.kube.people import Person
from controlplane.kube.resources import POD
from controlplane.tenants.repository import TenantRow
from controlplane.work import Work
from controlplane.workspaces import changes
from controlplane.workspaces.repository import WorkspaceRow
from controlplane.workspaces.service import find

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Of generated names, as Kubernetes has them: no words come of them."""
_SUFFIX = 5


class StartService:
    def __init__(self, work: Work, cluster: Cluster | None) -> None:
        self._work = work
        self._contents = ContentService(work, cluster)

    def asked(
        self, tenant: str, workspace: str, kind: ContentKind, name: str
    ) -> tuple[Content, tuple[Parameter, ...]]:  # fmt: skip
        """What is started and what it can be given. Refused where it cannot be started in its state."""
        _, row = self._place(tenant, workspace)
        known, obj = self._startable(row, kind, name)
        return self._seen(row, known, obj), self._parameters(row, known, obj)

    def start(
        self, tenant: str, workspace: str, kind: ContentKind, name: str, command: ContentStart
    ) -> ContentDetail:  # fmt: skip
        """The new workflow. Invalid with every parameter that is wrong; Refused where its state, RBAC, admission or a
        quota says no."""
        owner, row = self._place(tenant, workspace)
        known, obj = self._startable(row, kind, name)
        workflows = KINDS[ContentKind.WORKFLOW]
        require_access(
            self._work, self._contents.cluster, row, verb="create", group=workflows.resource.group,
            resource=workflows.resource.plural,
        )  # fmt: skip
        parameters = self._parameters(row, known, obj)
        found = starting.findings(parameters, command.parameters)
        if found:
            listed = "; ".join(f"{f.pointer}: {f.message}" for f in found[:5])
            raise Invalid(f"{listed}{'; and more' if len(found) > 5 else ''}", findings=found)
        mark = secrets.token_hex(8)
        wanted = starting.workflow(
            known.kind, obj, parameters, command.parameters, mark=mark, now=self._work.now,
            suffix="".join(secrets.choice(_LETTERS) for _ in range(_SUFFIX)),
        )  # fmt: skip
        made = self._contents.cluster.create_as(
            self._person(owner), workflows.resource, wanted, (starting.START, mark)
        )  # fmt: skip
        self._work.audit(
            f"content.{ContentAction.START}", f"{kind}/{owner.slug}/{row.name}/{name}", tenant=owner.id,
            # Values may be secret, names are not.
            after={"workflow": made["metadata"]["name"], "given": sorted(command.parameters)},
        )  # fmt: skip
        return self._contents.described(row, workflows, made)

    def _place(self, tenant: str, workspace: str) -> tuple[TenantRow, WorkspaceRow]:
        owner, row = find(self._work, tenant, workspace, Action.CONTENT_CHANGE)
        changes.check_usable(owner, row)
        return owner, row

    def _startable(self, row: WorkspaceRow, kind: ContentKind, name: str) -> tuple[Kind, KubernetesObject]:
        known, obj = self._contents.found(row, kind, name)
        check_possible(self._seen(row, known, obj), ContentAction.START)
        return known, obj

    def _seen(self, row: WorkspaceRow, known: Kind, obj: KubernetesObject) -> Content:
        return content(known, obj, Scene(row.namespace, self._contents.cluster.objects(POD, row.namespace) or ()))

    def _parameters(self, row: WorkspaceRow, known: Kind, obj: KubernetesObject) -> tuple[Parameter, ...]:
        return starting.asked(known.kind, obj, self._contents.template(row, known, obj))

    def _person(self, owner: TenantRow) -> Person:
        """The caller in the group of their role in the workspace's tenant, and in no other."""
        who = self._work.principal
        role = who.roles.get(owner.id)
        if role is None:
            raise Refused("Only members of the tenant make things in its workspaces.", code="rbac")
        return Person(who.name, tenant_group(owner.slug, role))
