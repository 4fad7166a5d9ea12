"""Stopping, resuming and deleting what runs in a workspace, for people whom RBAC lets do it.

The control plane acts with its own narrow rights, after RBAC has been asked about the person; admission lets it change
nothing but what stops or resumes (components/isolation/policies/web.py).
"""

from __future__ import annotations

from components.contract import KubernetesObject
from controlplane.auth.policy import Action
from controlplane.contents.cluster import Cluster
from controlplane.contents.kinds import WORKLOADS, Kind
from controlplane.contents.model import Content, ContentAction, ContentDetail, ContentKind
from controlplane.contents.reading import fields
from controlplane.contents.reading.scene import Scene, content
from controlplane.contents.rights import require_access
from controlplane.contents.service import ContentService
from controlplane.errors import Refused
from controlplane.kube.resources import POD
from controlplane.work import Work
from controlplane.workspaces import changes
from controlplane.workspaces.repository import WorkspaceRow
from controlplane.workspaces.service import find


class ActionService:
    def __init__(self, work: Work, cluster: Cluster | None) -> None:
        self._work = work
        self._contents = ContentService(work, cluster)

    def act(self, tenant: str, workspace: str, kind: ContentKind, name: str, action: ContentAction) -> ContentDetail:
        """What it looks like right afterwards; stopping takes its time. Starting is `StartService`'s.

        Refused where the state does not allow it, and where RBAC, admission or the kind itself says no."""
        owner, row = find(self._work, tenant, workspace, Action.CONTENT_CHANGE)
        changes.check_usable(owner, row)
        cluster = self._contents.cluster
        known, obj = self._contents.found(row, kind, name)
        workload = self._workload(row, known, obj)
        before = content(known, obj, self._scene(row, workload))
        check_possible(before, action)
        deletes = action is ContentAction.DELETE or (action is ContentAction.STOP and known.stop_deletes)
        require_access(
            self._work, cluster, row, verb="delete" if deletes else "patch", group=known.resource.group,
            resource=known.resource.plural, name=name,
        )  # fmt: skip
        if deletes:
            cluster.delete(known.resource, row.namespace, name, fields.text(obj, "metadata", "uid"))
        else:
            self._switch(cluster, row, known, obj, workload, stop=action is ContentAction.STOP)
        target = f"{kind}/{owner.slug}/{row.name}/{name}"
        self._work.audit(f"content.{action}", target, tenant=owner.id, before={"state": before.state})
        after = cluster.find(known.resource, row.namespace, name)
        return self._contents.described(row, known, after if after is not None else obj)

    @staticmethod
    def _switch(
        cluster: Cluster, row: WorkspaceRow, known: Kind, obj: KubernetesObject, workload: KubernetesObject | None,
        *, stop: bool,
    ) -> None:  # fmt: skip
        """In the queue where a queue holds it: Kueue starts again what only its owner suspended."""
        if workload is not None:
            resource = next(r for r in WORKLOADS if r.api_version == workload["apiVersion"])
            cluster.patch(resource, row.namespace, fields.name(workload), {"spec": {"active": not stop}})
            return
        patch = known.stop if stop else known.resume
        if patch is not None:
            cluster.patch(known.resource, row.namespace, fields.name(obj), dict(patch))

    def _workload(self, row: WorkspaceRow, known: Kind, obj: KubernetesObject) -> KubernetesObject | None:
        if not known.queued:
            return None
        found = self._contents.cluster.first_served(WORKLOADS, row.namespace)
        return Scene(row.namespace, workloads=found).workload(obj)

    def _scene(self, row: WorkspaceRow, workload: KubernetesObject | None) -> Scene:
        pods = self._contents.cluster.objects(POD, row.namespace) or ()
        return Scene(row.namespace, pods, () if workload is None else (workload,))


def check_possible(seen: Content, action: ContentAction) -> None:
    """Refused where its state does not allow the action."""
    if action not in seen.actions:
        can = ", ".join(seen.actions) or "nothing"
        raise Refused(f"It is {seen.state}; what can be done with it: {can}. {seen.reason}".rstrip(), code="state")
