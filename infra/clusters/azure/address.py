"""The stack `address`: the platform's domain leads to its gateway."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import pulumi
import pulumi_azure_native as azure_native
from pulumi_azure_native import dns

from infra.clusters.azure.names import azure_of, names
from infra.clusters.errors import ClusterError
from infra.profile.model import Profile
from infra.profile.notebooks import names_below

TTL = 60
"""Seconds: a gateway made anew has another address."""


@dataclass(frozen=True)
class AzureAddress:
    """The Pulumi program: a record at the zone's apex, and one for the names of notebook servers."""

    profile: Profile
    target: str
    """IPv4 address of the gateway's load balancer."""

    def __call__(self) -> None:
        azure = azure_of(self.profile)
        provider = azure_native.Provider("azure", subscription_id=azure.subscription, tenant_id=azure.tenant)
        domain = azure.domain or ""
        below = [each.removesuffix(f".{domain}") for each in names_below(self.profile, domain)]
        for name, relative in (("gateway", "@"), *(("notebooks", each) for each in below)):
            dns.RecordSet(
                name,
                relative_record_set_name=relative,
                record_type="A",
                ttl=TTL,
                a_records=[dns.ARecordArgs(ipv4_address=self.target)],
                zone_name=azure.domain,
                resource_group_name=names(self.profile).group,
                opts=pulumi.ResourceOptions(provider=provider),
            )


def program(profile: Profile, target: str) -> AzureAddress:
    """Raises ClusterError where the profile names no domain, or the gateway has no address."""
    if azure_of(profile).domain is None:
        raise ClusterError("azure.domain names no DNS zone for the gateway's address")
    try:
        ipaddress.IPv4Address(target)
    except ValueError as error:
        raise ClusterError(f"the gateway's load balancer has {target!r} for an address; Azure gives IPv4") from error
    return AzureAddress(profile, target)
