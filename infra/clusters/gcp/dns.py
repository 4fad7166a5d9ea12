"""The platform's own DNS zone. Which address it leads to is known only when the gateway has one (address.py)."""

from __future__ import annotations

import pulumi
from pulumi_gcp import dns

from infra.clusters.gcp.site import Site


class Domain(pulumi.ComponentResource):
    """Signed with DNSSEC. The zone is public even where the gateway is private: its name is no secret."""

    def __init__(self, site: Site, domain: str) -> None:
        super().__init__("mlp:gcp:Domain", "domain", None, site.options())
        self.zone = dns.ManagedZone(
            "domain",
            name=site.names.prefix,
            project=site.gcp.project,
            dns_name=f"{domain}.",
            description=f"Where people reach {site.names.prefix}",
            visibility="public",
            dnssec_config=dns.ManagedZoneDnssecConfigArgs(state="on", non_existence="nsec3"),
            labels=site.labels,
            opts=site.below(self),
        )
        self.register_outputs({"zone": self.zone.id})
