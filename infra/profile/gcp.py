"""Section `gcp` of a profile."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.profile.cloud import Cloud

_ARM = re.compile(r"(t2a|c4a|n4a|a4x)-.+")
_NO_PERSISTENT_DISKS = re.compile(r"(n4|n4d|c4|c4d|m4|x4|h4d|a4|z3|h3)-.+")
"""Families that take Hyperdisk only, or no disk beside the first."""

_RANGE = (16, 26)
"""Prefix lengths that have room for nodes, and that one network is enough for."""


class Gcp(Cloud):
    """GKE and what it needs in one region of one project. Have a project for each installation: all clusters of a
    project share their pool of workload identities."""

    project: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    """The project's id. Immutable."""
    region: Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+[0-9]+$")]
    """Such as europe-west4. Immutable."""
    zone_names: tuple[Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+[0-9]+-[a-z]$")], ...] = ()
    """Zones, where the region has others than a, b and c, or not the machine types in all of them. Immutable."""
    release_channel: Literal["regular", "stable", "none"] = "regular"
    """Where patches of Kubernetes come from. The minor version stays that of the profile; `none` leaves upgrades of
    nodes to you."""

    @model_validator(mode="after")
    def _fits_gcp(self) -> Self:
        shortest, longest = _RANGE
        length = ipaddress.IPv4Network(self.network).prefixlen
        if not shortest <= length <= longest:
            raise ValueError(f"network {self.network} has prefix length {length}; give one of {shortest} to {longest}")
        if self.zone_names and len(self.zone_names) != self.zones:
            raise ValueError(f"zone_names has {len(self.zone_names)} zones, but zones is {self.zones}")
        if len(set(self.zone_names)) != len(self.zone_names):
            raise ValueError("zone_names has a zone twice")
        for zone in self.zone_names:
            if zone.rpartition("-")[0] != self.region:
                raise ValueError(f"zone {zone} is not in region {self.region}")
        for pool in self.pools:
            if pool.machine and _ARM.fullmatch(pool.machine):
                raise ValueError(f"pool {pool.name!r}: {pool.machine} has Arm processors; images are built for x86-64")
            if pool.machine and _NO_PERSISTENT_DISKS.fullmatch(pool.machine):
                raise ValueError(
                    f"pool {pool.name!r}: {pool.machine} takes no balanced persistent disks, which volumes are kept "
                    "on; choose a type such as n2-standard-8"
                )
        return self

    def registry(self, installation: str) -> str:
        return f"{self.region}-docker.pkg.dev/{self.project}/mlp-{installation}/"
