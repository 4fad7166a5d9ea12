"""Profile → what is made on Azure: node pools, database, address ranges. Pure.

Sizes say what a profile leaves open; whatever it names is taken as it is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.names import DOMAIN
from infra.clusters.azure.names import azure_of, pool_name
from infra.clusters.errors import ClusterError
from infra.profile.azure import Azure
from infra.profile.cloud import NodePool, Size
from infra.profile.model import Profile

LABEL_POOL = f"{DOMAIN}/pool"
LABEL_PURPOSE = f"{DOMAIN}/purpose"
LABEL_GPU_CLASS = f"{DOMAIN}/gpu-class"
GPU_TAINT = "nvidia.com/gpu=present:NoSchedule"
SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
"""AKS puts it on spot nodes by itself; it is declared so that the pool reads back as it was written."""

_SMALL = (
    NodePool(name="system", purpose="system", minimum=2, maximum=3),
    NodePool(name="cpu", purpose="cpu", minimum=0, maximum=4, expected=1),
)
_MEDIUM = (
    NodePool(name="system", purpose="system", minimum=3, maximum=5),
    NodePool(name="cpu", purpose="cpu", minimum=1, maximum=10, expected=3),
    NodePool(name="spot", purpose="cpu", minimum=0, maximum=10, expected=1, spot=True),
    NodePool(name="gpu", purpose="gpu", minimum=0, maximum=4, expected=0, gpu_class="t4", disk_gib=200),
)
_LARGE = (
    NodePool(name="system", purpose="system", minimum=3, maximum=9, disk_gib=200),
    NodePool(name="cpu", purpose="cpu", minimum=2, maximum=40, expected=8, disk_gib=200),
    NodePool(name="spot", purpose="cpu", minimum=0, maximum=40, expected=4, spot=True, disk_gib=200),
    NodePool(name="gpu", purpose="gpu", minimum=0, maximum=8, expected=1, gpu_class="a100", disk_gib=500),
)
POOLS: Mapping[Size, tuple[NodePool, ...]] = {"small": _SMALL, "medium": _MEDIUM, "large": _LARGE}

MACHINES: Mapping[Size, Mapping[str, str]] = {
    "small": {"system": "Standard_D4s_v5", "cpu": "Standard_D4s_v5", "gpu": "Standard_NC4as_T4_v3"},
    "medium": {"system": "Standard_D4s_v5", "cpu": "Standard_D8s_v5", "gpu": "Standard_NC8as_T4_v3"},
    "large": {"system": "Standard_D8s_v5", "cpu": "Standard_D16s_v5", "gpu": "Standard_NC24ads_A100_v4"},
}
"""Purpose → machine type. None of the CPU types has a local disk, which the disk encryption set would not reach."""


@dataclass(frozen=True)
class DatabaseShape:
    """The PostgreSQL server."""

    machine: str
    tier: Literal["Burstable", "GeneralPurpose", "MemoryOptimized"]
    storage_gib: int
    """One of the sizes that Azure has."""
    grows: bool
    """Whether Azure enlarges it when it is nearly full: where the profile does not say how large it is."""
    high_availability: bool
    zonal_standby: bool
    """Whether the standby is in another zone."""
    backup_days: int


DATABASES: Mapping[Size, tuple[str, int, bool]] = {
    "small": ("Standard_B2s", 32, False),
    "medium": ("Standard_D2ds_v5", 128, True),
    "large": ("Standard_D8ds_v5", 512, True),
}
"""Machine type, GiB, high availability."""

POSTGRESQL = "17"
"""Major version of the server."""
_DATABASE_STORAGE = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_BACKUP_MINIMUM = 7
"""Days; Azure keeps backups at least so long."""


@dataclass(frozen=True)
class Pool:
    """One node pool with nothing left open."""

    name: str
    """In the profile."""
    aks_name: str
    mode: Literal["System", "User"]
    machine: str
    minimum: int
    maximum: int
    expected: int
    spot: bool
    disk_gib: int
    gpu: bool
    labels: dict[str, str] = field(hash=False)
    taints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subnets:
    """The ranges of the virtual network, in CIDR notation."""

    nodes: str
    database: str
    endpoints: str
    api: str
    """Of the API server's internal load balancer."""


@dataclass(frozen=True)
class Shape:
    """All that the profile decides and that takes thinking."""

    pools: tuple[Pool, ...]
    """The first is of mode System."""
    database: DatabaseShape
    subnets: Subnets
    zones: tuple[str, ...]
    tier: Literal["Free", "Standard"]
    """`Standard` has a promise of availability and a price."""
    gateway_public: bool
    """Whether the gateway's load balancer has a public address, which only `allowed_cidrs` reach."""


def shape(profile: Profile) -> Shape:
    """The resolved shape. Raises ClusterError for what Azure does not have."""
    azure = azure_of(profile)
    chosen = azure.pools or POOLS[azure.size]
    ordered = sorted(chosen, key=lambda pool: pool.purpose != "system")
    return Shape(
        pools=tuple(_pool(pool, azure.size) for pool in ordered),
        database=_database(azure),
        subnets=_subnets(azure),
        zones=tuple(str(zone) for zone in range(1, azure.zones + 1)),
        tier="Free" if azure.size == "small" else "Standard",
        gateway_public=bool(azure.allowed_cidrs),
    )


def _pool(pool: NodePool, size: Size) -> Pool:
    labels = {LABEL_POOL: pool.name, LABEL_PURPOSE: pool.purpose}
    if pool.gpu_class:
        labels[LABEL_GPU_CLASS] = pool.gpu_class
    gpu = pool.purpose == "gpu"
    return Pool(
        name=pool.name,
        aks_name=pool_name(pool.name),
        mode="System" if pool.purpose == "system" else "User",
        machine=pool.machine or MACHINES[size][pool.purpose],
        minimum=pool.minimum,
        maximum=pool.maximum,
        expected=pool.expected if pool.expected is not None else max(pool.minimum, 1),
        spot=pool.spot,
        disk_gib=pool.disk_gib,
        gpu=gpu,
        labels=labels,
        taints=(*((GPU_TAINT,) if gpu else ()), *((SPOT_TAINT,) if pool.spot else ())),
    )


def _database(azure: Azure) -> DatabaseShape:
    machine, storage, available = DATABASES[azure.size]
    wanted = azure.database
    machine = wanted.machine or machine
    tiers: Mapping[str, Literal["Burstable", "GeneralPurpose", "MemoryOptimized"]] = {
        "B": "Burstable",
        "D": "GeneralPurpose",
        "E": "MemoryOptimized",
    }
    family = re.match(r"Standard_([BDE])", machine)
    if family is None:
        raise ClusterError(
            f"azure.database.machine is {machine!r}; PostgreSQL servers take types such as Standard_D2ds_v5, "
            "Standard_E4ds_v5 or Standard_B2s"
        )
    return DatabaseShape(
        machine=machine,
        tier=tiers[family[1]],
        storage_gib=next(gib for gib in _DATABASE_STORAGE if gib >= (wanted.storage_gib or storage)),
        grows=wanted.storage_gib is None,
        high_availability=available if wanted.high_availability is None else wanted.high_availability,
        zonal_standby=azure.zones > 1,
        backup_days=max(wanted.backup_days, _BACKUP_MINIMUM),
    )


_SMALLEST = 24
"""Prefix length of the smallest network whose parts are all large enough: AKS wants a /28 for the API server."""


def _subnets(azure: Azure) -> Subnets:
    network = ipaddress.IPv4Network(azure.network)
    if network.prefixlen > _SMALLEST:
        raise ClusterError(f"azure.network {network} is too small; give a range of /{_SMALLEST} or larger")
    nodes, rest = network.subnets(prefixlen_diff=1)
    database, endpoints, api, *_ = rest.subnets(prefixlen_diff=3)
    return Subnets(str(nodes), str(database), str(endpoints), str(api))


def check(profile: Profile) -> None:
    """Raises ClusterError for what a profile may not combine on Azure."""
    azure = azure_of(profile)
    made = shape(profile)
    if made.database.high_availability and made.database.tier == "Burstable":
        raise ClusterError(
            f"azure.database.machine {made.database.machine} is burstable, and Azure has no high availability for "
            "those; choose a type such as Standard_D2ds_v5, or set azure.database.high_availability to false"
        )
    network = ipaddress.IPv4Network(azure.network)
    ranges = profile.kubernetes.ranges
    for name in ("pods", "services"):
        other = ipaddress.IPv4Network(getattr(ranges, name))
        if network.overlaps(other):
            raise ClusterError(f"azure.network {network} overlaps kubernetes.ranges.{name} {other}; change one of them")
    found = [pool.aks_name for pool in made.pools]
    if len(set(found)) < len(found):
        raise ClusterError(f"two of azure.pools would get the same name on AKS ({', '.join(found)}); rename one")
