"""Who may do what: the nodes, the tracking server and the control plane, each only what it needs.

Pods have no service account of Google and no key: their service accounts of Kubernetes are members of IAM themselves,
through the project's pool of workload identities.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects, serviceaccount, storage

from components.names import CONTROL_PLANE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE, component_namespace
from components.storage.clouds import workspace_prefix
from infra.clusters.gcp.site import Site

TRACKING = f"{component_namespace('tracking')}/tracking"
CONTROL_PLANE = f"{SYSTEM_NAMESPACE}/{CONTROL_PLANE_SERVICE_ACCOUNT}"
"""Service accounts as `namespace/name`."""

MAKE_BUCKETS = ("storage.buckets.create",)
"""GCP asks for it on the project, where no condition on the bucket's name holds."""
KEEP_BUCKETS = (
    "storage.buckets.delete",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    "storage.objects.delete",
    "storage.objects.list",
)
"""What the control plane does with workspaces' buckets: it empties those it deletes, and reads no object."""


class Identities(pulumi.ComponentResource):
    """The nodes' service account, which can write logs and metrics."""

    def __init__(self, site: Site) -> None:
        super().__init__("mlp:gcp:Identities", "identities", None, site.options())
        self._site = site
        self.nodes = serviceaccount.Account(
            "nodes",
            account_id=site.names.account("nodes"),
            project=site.gcp.project,
            display_name=f"Nodes of {site.names.prefix}",
            opts=site.below(self),
        )
        self.nodes_member = pulumi.Output.concat("serviceAccount:", self.nodes.email)
        self.nodes_right = projects.IAMMember(
            "nodes",
            project=site.gcp.project,
            role="roles/container.defaultNodeServiceAccount",
            member=self.nodes_member,
            opts=site.below(self),
        )
        self.register_outputs({"nodes": self.nodes.email})

    def grant(self, artifacts: storage.Bucket, cluster: pulumi.Resource) -> None:
        """Rights of pods. The pool of workload identities comes with the project's first cluster."""
        self._tracking(artifacts, cluster)
        self._control_plane(cluster)

    def _member(self, account: str) -> pulumi.Output[str]:
        names = self._site.names
        return self._site.number.apply(lambda number: names.principal(number, account))

    def _tracking(self, artifacts: storage.Bucket, cluster: pulumi.Resource) -> None:
        storage.BucketIAMMember(
            "tracking-artifacts",
            bucket=artifacts.name,
            role="roles/storage.objectUser",
            member=self._member(TRACKING),
            opts=self._site.below(self, cluster),
        )

    def _control_plane(self, cluster: pulumi.Resource) -> None:
        prefix = workspace_prefix(self._site.names.installation)
        only_workspaces = projects.IAMMemberConditionArgs(
            title="Buckets of workspaces",
            description=f"Buckets whose names begin with {prefix}, and objects in them",
            expression=f'resource.name.startsWith("projects/_/buckets/{prefix}")',
        )
        for name, permissions, condition in (
            ("make-buckets", MAKE_BUCKETS, None),
            ("keep-buckets", KEEP_BUCKETS, only_workspaces),
        ):
            role = projects.IAMCustomRole(
                name,
                role_id=self._site.names.role(name),
                project=self._site.gcp.project,
                title=f"{self._site.names.prefix} {name}",
                description="What the control plane does for workspaces",
                permissions=list(permissions),
                stage="GA",
                opts=self._site.below(self),
            )
            projects.IAMMember(
                name,
                project=self._site.gcp.project,
                role=role.name,
                member=self._member(CONTROL_PLANE),
                condition=condition,
                opts=self._site.below(self, cluster),
            )
