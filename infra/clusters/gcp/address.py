"""The stack `address`: the platform's domain leads to its gateway."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp import dns

from infra.clusters.errors import ClusterError
from infra.clusters.gcp.names import gcp_of, names
from infra.profile.model import Profile
from infra.profile.notebooks import names_below

TTL = 60
"""Seconds: a gateway made anew has another address."""


@dataclass(frozen=True)
class GcpAddress:
    """The Pulumi program: a record at the zone's apex, and one for the names of notebook servers."""

    profile: Profile
    target: str
    """IPv4 address of the gateway's load balancer."""

    def __call__(self) -> None:
        place = gcp_of(self.profile)
        provider = gcp.Provider("gcp", project=place.project, region=place.region)
        domain = place.domain or ""
        below = names_below(self.profile, domain)
        for name, host in (("gateway", domain), *(("notebooks", each) for each in below)):
            dns.RecordSet(
                name,
                name=f"{host}.",
                type="A",
                ttl=TTL,
                rrdatas=[self.target],
                managed_zone=names(self.profile).prefix,
                project=place.project,
                opts=pulumi.ResourceOptions(provider=provider),
            )


def program(profile: Profile, target: str) -> GcpAddress:
    """Raises ClusterError where the profile names no domain, or the gateway has no address."""
    if gcp_of(profile).domain is None:
        raise ClusterError("gcp.domain names no DNS zone for the gateway's address")
    try:
        ipaddress.IPv4Address(target)
    except ValueError as error:
        raise ClusterError(f"the gateway's load balancer has {target!r} for an address; GCP gives IPv4") from error
    return GcpAddress(profile, target)
