"""The virtual network: nobody from outside comes in but to the gateway, and nodes leave by one address."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from infra.clusters.azure.groups import Groups
from infra.clusters.azure.names import PRIVATE_ZONES
from infra.clusters.azure.site import Site


@dataclass(frozen=True)
class _Wanted:
    name: str
    range: str
    security: network.NetworkSecurityGroup
    delegation: str | None = None
    nat: bool = False


class Network(pulumi.ComponentResource):
    """Subnets are made one after the other: Azure refuses two changes of a virtual network at a time."""

    def __init__(self, site: Site, groups: Groups) -> None:
        super().__init__("mlp:azure:Network", "network", None, site.options())
        self._site, self._group = site, groups.platform.name
        self._below = pulumi.ResourceOptions(parent=self)
        self.network = network.VirtualNetwork(
            "network",
            virtual_network_name=site.names.cluster,
            resource_group_name=self._group,
            location=site.azure.location,
            address_space=network.AddressSpaceArgs(address_prefixes=[site.azure.network]),
            tags=site.tags,
            opts=self._below,
        )
        self.exit, nat = self._nat()
        ranges = site.shape.subnets
        subnets = self._subnets(
            nat,
            _Wanted("nodes", ranges.nodes, self._security("nodes", self._to_gateway()), nat=True),
            _Wanted("api", ranges.api, self._security("api", []), "Microsoft.ContainerService/managedClusters"),
            _Wanted(
                "database",
                ranges.database,
                self._security("database", self._to_database()),
                "Microsoft.DBforPostgreSQL/flexibleServers",
            ),
            _Wanted("endpoints", ranges.endpoints, self._security("endpoints", [])),
        )
        self.nodes, self.api = subnets["nodes"], subnets["api"]
        self.database, self.endpoints = subnets["database"], subnets["endpoints"]
        self.database_zone, self.database_link = self._zone(
            "database", f"{site.names.installation}.private.postgres.database.azure.com"
        )
        self._zones = {name: self._zone(name, zone)[0] for name, zone in PRIVATE_ZONES.items()}
        self.register_outputs({"network": self.network.id, "nodes": self.nodes.id})

    def endpoint(self, name: str, subject: str, target: pulumi.Input[str], zone: str, parent: pulumi.Resource) -> None:
        """A private address for `target`, whose own name leads there inside the network. `subject` is Azure's group
        id, such as `blob`; `zone` a key of PRIVATE_ZONES."""
        opts = pulumi.ResourceOptions(parent=parent)
        made = network.PrivateEndpoint(
            name,
            private_endpoint_name=name,
            resource_group_name=self._group,
            location=self._site.azure.location,
            subnet=network.SubnetArgs(id=self.endpoints.id),
            custom_network_interface_name=f"{name}-interface",
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(name=name, private_link_service_id=target, group_ids=[subject])
            ],
            tags=self._site.tags,
            opts=opts,
        )
        network.PrivateDnsZoneGroup(
            name,
            private_dns_zone_group_name="default",
            private_endpoint_name=made.name,
            resource_group_name=self._group,
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name=zone, private_dns_zone_id=self._zones[zone].id)
            ],
            opts=opts,
        )

    def _nat(self) -> tuple[network.PublicIPAddress, network.NatGateway]:
        address = network.PublicIPAddress(
            "exit",
            public_ip_address_name=f"{self._site.names.cluster}-exit",
            resource_group_name=self._group,
            location=self._site.azure.location,
            sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            zones=list(self._site.shape.zones),
            tags=self._site.tags,
            opts=self._below,
        )
        gateway = network.NatGateway(
            "exit",
            nat_gateway_name=f"{self._site.names.cluster}-exit",
            resource_group_name=self._group,
            location=self._site.azure.location,
            sku=network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            idle_timeout_in_minutes=10,
            tags=self._site.tags,
            opts=self._below,
        )
        return address, gateway

    def _subnets(self, nat: network.NatGateway, *wanted: _Wanted) -> dict[str, network.Subnet]:
        made: dict[str, network.Subnet] = {}
        for each in wanted:
            delegations = [network.DelegationArgs(name="service", service_name=each.delegation)]
            made[each.name] = network.Subnet(
                each.name,
                subnet_name=each.name,
                virtual_network_name=self.network.name,
                resource_group_name=self._group,
                address_prefix=each.range,
                default_outbound_access=False,
                network_security_group=network.NetworkSecurityGroupArgs(id=each.security.id),
                delegations=delegations if each.delegation else [],
                **({"nat_gateway": network.SubResourceArgs(id=nat.id)} if each.nat else {}),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(made.values())),
            )
        return made

    def _security(self, name: str, rules: list[network.SecurityRuleArgs]) -> network.NetworkSecurityGroup:
        return network.NetworkSecurityGroup(
            name,
            network_security_group_name=f"{self._site.names.cluster}-{name}",
            resource_group_name=self._group,
            location=self._site.azure.location,
            security_rules=rules,
            tags=self._site.tags,
            opts=self._below,
        )

    def _to_gateway(self) -> list[network.SecurityRuleArgs]:
        """Azure's own rules refuse the internet; these let those in who may reach the gateway."""
        if not self._site.shape.gateway_public:
            return []
        return [
            network.SecurityRuleArgs(
                name="gateway",
                priority=200,
                direction="Inbound",
                access="Allow",
                protocol="Tcp",
                source_address_prefixes=list(self._site.azure.allowed_cidrs),
                source_port_range="*",
                destination_address_prefix="*",
                destination_port_range="443",
            )
        ]

    def _to_database(self) -> list[network.SecurityRuleArgs]:
        """Only nodes and the server's own standby. Azure's own rules refuse the internet already, and let the whole
        network in, with all that is joined to it; the second rule takes that back."""
        ranges = self._site.shape.subnets
        allowed = network.SecurityRuleArgs(
            name="postgresql",
            priority=200,
            direction="Inbound",
            access="Allow",
            protocol="Tcp",
            source_address_prefixes=[ranges.nodes, ranges.database],
            source_port_range="*",
            destination_address_prefix=ranges.database,
            destination_port_ranges=["5432", "6432"],
        )
        refused = network.SecurityRuleArgs(
            name="others",
            priority=4000,
            direction="Inbound",
            access="Deny",
            protocol="*",
            source_address_prefix="VirtualNetwork",
            source_port_range="*",
            destination_address_prefix="*",
            destination_port_range="*",
        )
        return [allowed, refused]

    def _zone(self, name: str, zone: str) -> tuple[privatedns.PrivateZone, privatedns.VirtualNetworkLink]:
        made = privatedns.PrivateZone(
            name,
            private_zone_name=zone,
            resource_group_name=self._group,
            location="global",
            tags=self._site.tags,
            opts=self._below,
        )
        link = privatedns.VirtualNetworkLink(
            name,
            virtual_network_link_name=self._site.names.cluster,
            private_zone_name=made.name,
            resource_group_name=self._group,
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=self.network.id),
            tags=self._site.tags,
            opts=self._below,
        )
        return made, link
