"""What a profile asks of a subscription, in the words of Azure's quotas. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.clusters.azure.shape import Shape

PROVIDERS = (
    "Microsoft.Authorization",
    "Microsoft.Compute",
    "Microsoft.ContainerRegistry",
    "Microsoft.ContainerService",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.Storage",
)
"""Resource providers that a subscription must have registered."""

REGIONAL, SPOT = "cores", "lowPriorityCores"
"""Quotas over all families."""


@dataclass(frozen=True)
class Machine:
    """A machine type in one region."""

    name: str
    family: str
    """Name of its quota."""
    cores: int
    zones: tuple[str, ...]
    """Where the subscription may use it."""
    blocked: str = ""
    """Azure's reason why the subscription may not use it at all."""


@dataclass(frozen=True)
class Cores:
    """Cores under one quota."""

    first: int
    """For the nodes that are made at once."""
    most: int
    """When every pool has grown to its maximum."""


@dataclass(frozen=True)
class Offer:
    """PostgreSQL servers that a region offers to a subscription."""

    machines: frozenset[str]
    versions: frozenset[str]
    zonal_standby: bool

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Offer:
        """One capability as Azure gives it; what is restricted is not offered."""
        if found.get("restricted") == "Enabled":
            return cls(frozenset(), frozenset(), False)
        editions = found.get("supportedServerEditions") or ()
        return cls(
            frozenset(str(sku["name"]) for edition in editions for sku in edition.get("supportedServerSkus") or ()),
            frozenset(str(version["name"]) for version in found.get("supportedServerVersions") or ()),
            found.get("zoneRedundantHaSupported") == "Enabled",
        )


def cores(shape: Shape, machines: Mapping[str, Machine]) -> dict[str, Cores]:
    """Quota → cores. Spot nodes have a quota of their own, whatever their family. Unknown machine types count not."""
    first: dict[str, int] = {}
    most: dict[str, int] = {}
    for pool in shape.pools:
        machine = machines.get(pool.machine)
        if machine is None:
            continue
        for quota in (SPOT,) if pool.spot else (machine.family, REGIONAL):
            first[quota] = first.get(quota, 0) + machine.cores * pool.minimum
            most[quota] = most.get(quota, 0) + machine.cores * pool.maximum
    return {quota: Cores(first[quota], most[quota]) for quota in sorted(first)}


NETWORK: Mapping[str, int] = {
    "VirtualNetworks": 1,
    "NetworkSecurityGroups": 4,
    "NatGateways": 1,
    "PublicIPAddresses": 2,
    "StandardSkuPublicIpAddresses": 2,
    "PrivateEndpoints": 4,
}
"""Quota of the network → how many are made, the gateway's address among them."""


def machine(found: object) -> Machine | None:
    """One answer of the SDK about a machine type; None for what is none."""
    if getattr(found, "resource_type", None) != "virtualMachines":
        return None
    capabilities = {each.name: each.value for each in getattr(found, "capabilities", None) or ()}
    info = (getattr(found, "location_info", None) or [None])[0]
    zones = set(getattr(info, "zones", None) or ())
    blocked = ""
    for restriction in getattr(found, "restrictions", None) or ():
        if str(_plain(restriction.type)) == "Zone":
            zones -= set(getattr(restriction.restriction_info, "zones", None) or ())
        else:
            blocked = str(_plain(restriction.reason_code))
    return Machine(
        name=str(getattr(found, "name", "")),
        family=str(getattr(found, "family", "")),
        cores=int(capabilities.get("vCPUs", 0)),
        zones=tuple(sorted(zones)),
        blocked=blocked,
    )


def _plain(value: object) -> object:
    return getattr(value, "value", value)


def lacking_zones(wanted: Sequence[str], there: Machine) -> tuple[str, ...]:
    """Zones that the pools shall use and the machine type is not offered in."""
    return tuple(zone for zone in wanted if zone not in there.zones)
