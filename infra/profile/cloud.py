"""What the profiles of all clouds have in common. Defaults are the safe ones: nothing public, data kept."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from infra.profile.common import Cidr, Closed, Slug

Size = Literal["small", "medium", "large"]
"""small: a trial or one team. medium: some teams, with redundancy. large: many teams."""


def _tag(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", value):
        raise ValueError("must be 1 to 63 lower-case letters, digits, '_' and '-': what every cloud takes as a tag")
    return value


def _public_cidr(value: str) -> str:
    network = ipaddress.ip_network(value)
    if network.version != 4:
        raise ValueError("must be an IPv4 range such as 203.0.113.0/24")
    if network.prefixlen < 8:
        raise ValueError("is open to (nearly) everybody; name the ranges of your offices or VPN")
    return str(network)


def _domain(value: str) -> str:
    if not re.fullmatch(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}", value):
        raise ValueError("must be a domain name in lower case such as ml.example.com")
    return value


Tag = Annotated[str, AfterValidator(_tag)]
AllowedCidr = Annotated[str, AfterValidator(_public_cidr)]
Domain = Annotated[str, AfterValidator(_domain)]


class NodePool(Closed):
    """A group of equal nodes that grows and shrinks by itself."""

    name: Slug
    purpose: Literal["system", "cpu", "gpu"] = "cpu"
    """`system`: the platform's own pods. `cpu`, `gpu`: workspaces; `gpu` nodes are tainted."""
    machine: str | None = None
    """The cloud's machine type; by size and purpose where none is given."""
    minimum: Annotated[int, Field(ge=0, le=1000)] = 0
    maximum: Annotated[int, Field(ge=1, le=1000)] = 3
    expected: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Nodes on average, for the cost; `minimum` or 1 where none is given."""
    spot: bool = False
    """Cheaper nodes that the cloud may take back; tainted, so that only what tolerates it runs there."""
    gpu_class: Slug | None = None
    """Name under which tenants ask for its GPUs."""
    disk_gib: Annotated[int, Field(ge=30, le=16000)] = 100

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"pool {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}")
        if self.expected is not None and not self.minimum <= self.expected <= self.maximum:
            raise ValueError(f"pool {self.name!r}: expected {self.expected} is not between minimum and maximum")
        if (self.purpose == "gpu") != (self.gpu_class is not None):
            raise ValueError(f"pool {self.name!r}: gpu_class belongs to pools of purpose 'gpu', and those need one")
        if self.purpose == "system" and (self.spot or self.minimum < 1):
            raise ValueError(f"pool {self.name!r}: the system pool needs minimum 1 or more and may not be spot")
        return self


class CloudDatabase(Closed):
    """The managed PostgreSQL server."""

    machine: str | None = None
    """The cloud's machine type; by size where none is given."""
    storage_gib: Annotated[int, Field(ge=20, le=16000)] | None = None
    high_availability: bool | None = None
    """A standby in another zone; from size medium on where nothing is said."""
    backup_days: Annotated[int, Field(ge=1, le=35)] = 14


class Traffic(Closed):
    """What the cost of a month assumes beside machines: there is no way to know it before."""

    internet_gib: Annotated[int, Field(ge=0)] = 100
    """Sent to the internet in a month."""
    zone_gib: Annotated[int, Field(ge=0)] = 200
    """Sent between zones in a month."""
    stored_gib: Annotated[int, Field(ge=0)] = 500
    """Kept in buckets on average."""
    volumes_gib: Annotated[int, Field(ge=0)] = 200
    """Volumes of workspaces (homes and the like) on average."""


class Cloud(Closed):
    """Base of the sections `aws`, `gcp` and `azure`."""

    size: Size = "small"
    """Decides machine types, node counts and the database where the profile names none."""
    zones: Annotated[int, Field(ge=1, le=3)] = 3
    """Zones that nodes are spread over. Immutable."""
    network: Cidr = "10.40.0.0/16"
    """Addresses of the virtual network that is made. Immutable."""
    endpoint: Literal["private", "public"] = "private"
    """`public`: the Kubernetes API answers to `allowed_cidrs` too; `private`: only inside the network."""
    allowed_cidrs: tuple[AllowedCidr, ...] = ()
    """Who may reach the API server (endpoint public) and the gateway from outside."""
    domain: Domain | None = None
    """DNS zone that is made for the platform, which answers at its apex; delegate it from its parent."""
    pools: tuple[NodePool, ...] = ()
    """Node pools; those of the size where none is given."""
    database: CloudDatabase = CloudDatabase()
    deletion_protection: bool = True
    """Data (database, buckets, keys) can't be deleted before this is switched off and applied."""
    tags: dict[Tag, Tag] = {}
    """Added to everything that takes tags, beside the platform's own."""
    traffic: Traffic = Traffic()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.endpoint == "public" and not self.allowed_cidrs:
            raise ValueError("endpoint 'public' needs allowed_cidrs, or the whole internet could reach the API server")
        names = [pool.name for pool in self.pools]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"pool {name!r} is there twice")
        if self.pools and not any(pool.purpose == "system" for pool in self.pools):
            raise ValueError("pools need one of purpose 'system' for the platform's own pods")
        return self

    def registry(self, installation: str) -> str:
        """Prefix of every image name in the registry that is made, ending in '/'."""
        raise NotImplementedError
