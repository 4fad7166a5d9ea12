"""The network: private addresses only, one way out, and Google's own APIs by private addresses."""

from __future__ import annotations

import pulumi
from pulumi_gcp import compute, dns

from infra.clusters.gcp.site import Site

PODS, SERVICES = "pods", "services"
"""Names of the secondary ranges of the nodes' subnet."""
GOOGLE = "199.36.153.8/30"
"""private.googleapis.com: every API of Google, reached without the internet."""
_GOOGLE_ADDRESSES = tuple(f"199.36.153.{last}" for last in range(8, 12))
_PRIVATE_ZONES = {"googleapis": ("googleapis.com.", "private.googleapis.com."), "images": ("pkg.dev.", "pkg.dev.")}
"""Name → domain whose names all lead to GOOGLE, and its name that has the addresses."""
_TTL = 300


class Network(pulumi.ComponentResource):
    """`exit` must be there before nodes, `google` before they pull images."""

    def __init__(self, site: Site) -> None:
        super().__init__("mlp:gcp:Network", "network", None, site.options())
        self._site, names = site, site.names
        self.network = compute.Network(
            "network",
            name=names.prefix,
            project=site.gcp.project,
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            opts=site.below(self),
        )
        self.nodes = self._nodes()
        self.control = compute.Subnetwork(
            "control",
            name=names.of("control"),
            project=site.gcp.project,
            region=site.gcp.region,
            network=self.network.id,
            ip_cidr_range=site.shape.ranges.control,
            private_ip_google_access=True,
            log_config=self._flows(),
            opts=site.below(self),
        )
        self.exit = self._exit()
        self._closed()
        self.google = [record for name in _PRIVATE_ZONES for record in self._private_zone(name)]
        self.register_outputs({"network": self.network.id, "nodes": self.nodes.id})

    def _nodes(self) -> compute.Subnetwork:
        site = self._site
        ranges = site.profile.kubernetes.ranges
        return compute.Subnetwork(
            "nodes",
            name=site.names.of("nodes"),
            project=site.gcp.project,
            region=site.gcp.region,
            network=self.network.id,
            ip_cidr_range=site.shape.ranges.nodes,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=PODS, ip_cidr_range=ranges.pods),
                compute.SubnetworkSecondaryIpRangeArgs(range_name=SERVICES, ip_cidr_range=ranges.services),
            ],
            private_ip_google_access=True,
            log_config=self._flows(),
            opts=site.below(self),
        )

    @staticmethod
    def _flows() -> compute.SubnetworkLogConfigArgs:
        return compute.SubnetworkLogConfigArgs(
            aggregation_interval="INTERVAL_10_MIN", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA"
        )

    def _exit(self) -> compute.RouterNat:
        site = self._site
        router = compute.Router(
            "exit",
            name=site.names.prefix,
            project=site.gcp.project,
            region=site.gcp.region,
            network=self.network.id,
            opts=site.below(self),
        )
        return compute.RouterNat(
            "exit",
            name=site.names.prefix,
            project=site.gcp.project,
            region=site.gcp.region,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[
                compute.RouterNatSubnetworkArgs(name=self.nodes.id, source_ip_ranges_to_nats=["ALL_IP_RANGES"])
            ],
            log_config=compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=site.below(self),
        )

    def _closed(self) -> None:
        """Nobody comes in whom GKE does not let in with rules of its own. GCP would do so anyway; this logs who
        tried."""
        compute.Firewall(
            "closed",
            name=self._site.names.of("closed"),
            project=self._site.gcp.project,
            network=self.network.id,
            direction="INGRESS",
            priority=65534,
            denies=[compute.FirewallDenyArgs(protocol="all")],
            source_ranges=["0.0.0.0/0"],
            log_config=compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
            opts=self._site.below(self),
        )

    def _private_zone(self, name: str) -> list[pulumi.Resource]:
        site = self._site
        domain, target = _PRIVATE_ZONES[name]
        zone = dns.ManagedZone(
            name,
            name=site.names.of(name),
            project=site.gcp.project,
            dns_name=domain,
            description=f"Names below {domain} lead to Google's private addresses",
            visibility="private",
            private_visibility_config=dns.ManagedZonePrivateVisibilityConfigArgs(
                networks=[dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=self.network.id)]
            ),
            labels=site.labels,
            opts=site.below(self),
        )
        common = {"project": site.gcp.project, "managed_zone": zone.name, "ttl": _TTL}
        addresses = dns.RecordSet(
            name, name=target, type="A", rrdatas=list(_GOOGLE_ADDRESSES), **common, opts=site.below(self)
        )
        others = dns.RecordSet(
            f"{name}-names", name=f"*.{domain}", type="CNAME", rrdatas=[target], **common, opts=site.below(self)
        )
        return [addresses, others]
