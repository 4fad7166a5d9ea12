"""Resource groups: the platform's, and that of the workspaces' identities."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import resources

from infra.clusters.azure.site import Site


class Groups(pulumi.ComponentResource):
    """The nodes' group is AKS' own."""

    def __init__(self, site: Site) -> None:
        super().__init__("mlp:azure:Groups", "groups", None, site.options())
        below = pulumi.ResourceOptions(parent=self)
        self.platform = resources.ResourceGroup(
            "platform",
            resource_group_name=site.names.group,
            location=site.azure.location,
            tags=site.tags,
            opts=below,
        )
        self.workspaces = resources.ResourceGroup(
            "workspaces",
            resource_group_name=site.names.workspaces_group,
            location=site.azure.location,
            tags=site.tags,
            opts=below,
        )
        self.register_outputs({"platform": self.platform.name, "workspaces": self.workspaces.name})
