"""The platform's own DNS zone. Which address it leads to is known only when the gateway has one (address.py)."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import dns

from infra.clusters.azure.groups import Groups
from infra.clusters.azure.site import Site


class Domain(pulumi.ComponentResource):
    """A public zone; its name servers are to be named in the zone above."""

    def __init__(self, site: Site, groups: Groups, domain: str) -> None:
        super().__init__("mlp:azure:Domain", "domain", None, site.options())
        self.zone = dns.Zone(
            "domain",
            zone_name=domain,
            resource_group_name=groups.platform.name,
            location="global",
            zone_type=dns.ZoneType.PUBLIC,
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"nameServers": self.zone.name_servers})
