"""The container registry: images of the platform and those that workspaces may run."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import containerregistry

from infra.clusters.azure.groups import Groups
from infra.clusters.azure.identity import Identities
from infra.clusters.azure.network import Network
from infra.clusters.azure.roles import assign, assign_people
from infra.clusters.azure.site import Site


class Registry(pulumi.ComponentResource):
    """Nodes pull through a private endpoint. Pushes come from inside the network; where the API server answers to
    `allowed_cidrs`, from those too."""

    def __init__(
        self, site: Site, groups: Groups, network: Network, identities: Identities, installer: pulumi.Output[str]
    ) -> None:
        super().__init__("mlp:azure:Registry", "registry", None, site.options())
        public = site.azure.endpoint == "public"
        allowed = [
            containerregistry.IPRuleArgs(action="Allow", i_p_address_or_range=cidr) for cidr in site.azure.allowed_cidrs
        ]
        self.registry = containerregistry.Registry(
            "registry",
            registry_name=site.names.registry,
            resource_group_name=groups.platform.name,
            location=site.azure.location,
            # Private endpoints and rules by address are Premium's.
            sku=containerregistry.SkuArgs(name="Premium"),
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            data_endpoint_enabled=False,
            public_network_access="Enabled" if public else "Disabled",
            network_rule_bypass_options="None",
            network_rule_set=containerregistry.NetworkRuleSetArgs(
                default_action="Deny", ip_rules=allowed if public else []
            ),
            zone_redundancy="Enabled" if len(site.shape.zones) > 1 else "Disabled",
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        network.endpoint("registry", "registry", self.registry.id, "registry", self)
        scope = self.registry.id
        puller = identities.of["kubelet"].principal_id
        self.pull = assign(site, "kubelet-pull", "AcrPull", principal=puller, scope=scope, parent=self)
        assign_people(site, "push", "AcrPush", installer=installer, scope=scope, parent=self)
        self.register_outputs({"server": self.registry.login_server})
