"""Profile → what is made on GCP: node pools, database, address ranges, zones. Pure.

Sizes say what a profile leaves open; whatever it names is taken as it is.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.names import DOMAIN
from infra.clusters.errors import ClusterError
from infra.clusters.gcp.names import gcp_of
from infra.profile.cloud import NodePool, Size
from infra.profile.gcp import Gcp
from infra.profile.model import Profile

LABEL_POOL = f"{DOMAIN}/pool"
LABEL_PURPOSE = f"{DOMAIN}/purpose"
LABEL_GPU_CLASS = f"{DOMAIN}/gpu-class"
GPU_TAINT = ("nvidia.com/gpu", "present", "NO_SCHEDULE")
SPOT_TAINT = ("cloud.google.com/gke-spot", "true", "NO_SCHEDULE")
"""Key, value, effect. GKE would put the first on nodes with GPUs by itself; declared, it reads back as written."""

_SMALL = (
    NodePool(name="system", purpose="system", minimum=2, maximum=3),
    NodePool(name="cpu", purpose="cpu", minimum=0, maximum=4, expected=1),
)
_MEDIUM = (
    NodePool(name="system", purpose="system", minimum=3, maximum=6),
    NodePool(name="cpu", purpose="cpu", minimum=1, maximum=10, expected=3),
    NodePool(name="spot", purpose="cpu", minimum=0, maximum=10, expected=1, spot=True),
    NodePool(name="gpu", purpose="gpu", minimum=0, maximum=4, expected=0, gpu_class="l4", disk_gib=200),
)
_LARGE = (
    NodePool(name="system", purpose="system", minimum=3, maximum=9, disk_gib=200),
    NodePool(name="cpu", purpose="cpu", minimum=2, maximum=40, expected=8, disk_gib=200),
    NodePool(name="spot", purpose="cpu", minimum=0, maximum=40, expected=4, spot=True, disk_gib=200),
    NodePool(name="gpu", purpose="gpu", minimum=0, maximum=8, expected=1, gpu_class="l4", disk_gib=500),
)
POOLS: Mapping[Size, tuple[NodePool, ...]] = {"small": _SMALL, "medium": _MEDIUM, "large": _LARGE}

MACHINES: Mapping[Size, Mapping[str, str]] = {
    "small": {"system": "e2-standard-4", "cpu": "e2-standard-4", "gpu": "g2-standard-4"},
    "medium": {"system": "e2-standard-4", "cpu": "n2-standard-8", "gpu": "g2-standard-8"},
    "large": {"system": "e2-standard-8", "cpu": "n2-standard-16", "gpu": "g2-standard-8"},
}
"""Purpose → machine type."""

_L4 = {4: 1, 8: 1, 12: 1, 16: 1, 32: 1, 24: 2, 48: 4, 96: 8}
"""vCPUs of a g2-standard → its GPUs."""
_GPU_FAMILIES = {
    "a2-highgpu": "nvidia-tesla-a100",
    "a2-megagpu": "nvidia-tesla-a100",
    "a2-ultragpu": "nvidia-a100-80gb",
    "a3-highgpu": "nvidia-h100-80gb",
    "a3-megagpu": "nvidia-h100-mega-80gb",
    "a3-ultragpu": "nvidia-h200-141gb",
}
_T4 = ("nvidia-tesla-t4", 1)
"""What a machine of family N1, which has none itself, gets."""

DATABASES: Mapping[Size, tuple[str, int, bool]] = {
    "small": ("db-custom-1-3840", 20, False),
    "medium": ("db-custom-2-7680", 100, True),
    "large": ("db-custom-8-30720", 500, True),
}
"""Machine type, GiB, high availability."""

NODES_PER_PREFIX = 24
"""Prefix length of the range of pods that each node takes (110 pods)."""

_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
_ZONES: Mapping[str, str] = {"us-east1": "bcd", "europe-west1": "bcd"}
"""Regions whose zones are not a, b and c."""


@dataclass(frozen=True)
class Pool:
    """One node pool with nothing left open."""

    name: str
    purpose: str
    machine: str
    minimum: int
    maximum: int
    """Over all zones."""
    initial: int
    """Nodes in each zone at first."""
    expected: int
    spot: bool
    disk_gib: int
    accelerator: tuple[str, int] | None
    """GPU type, and how many a node has."""
    labels: dict[str, str] = field(hash=False)
    taints: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class DatabaseShape:
    """The PostgreSQL server."""

    machine: str
    cpus: int
    memory_gib: float
    storage_gib: int
    high_availability: bool
    backup_days: int


@dataclass(frozen=True)
class Ranges:
    """Parts of the network, in CIDR notation."""

    nodes: str
    control: str
    """Of the API server's endpoint."""


@dataclass(frozen=True)
class Shape:
    """All that the profile decides and that takes thinking."""

    pools: tuple[Pool, ...]
    database: DatabaseShape
    ranges: Ranges
    zones: tuple[str, ...]
    authorised: tuple[str, ...]
    """Who reaches the API server beside the cluster's own network."""
    gateway_public: bool
    """Whether the gateway's load balancer has a public address, which only `allowed_cidrs` reach."""


def shape(profile: Profile) -> Shape:
    """The resolved shape. Raises ClusterError for what GCP does not have or what does not fit together."""
    gcp = gcp_of(profile)
    zones = gcp.zone_names or tuple(f"{gcp.region}-{letter}" for letter in _ZONES.get(gcp.region, "abc")[: gcp.zones])
    chosen = gcp.pools or POOLS[gcp.size]
    pools = tuple(_pool(pool, gcp.size, len(zones)) for pool in chosen)
    _refuse_overlaps(profile, pools)
    return Shape(
        pools=pools,
        database=_database(gcp),
        ranges=_ranges(gcp),
        zones=zones,
        authorised=_authorised(gcp),
        gateway_public=bool(gcp.allowed_cidrs),
    )


def _pool(pool: NodePool, size: Size, zones: int) -> Pool:
    machine = pool.machine or MACHINES[size][pool.purpose]
    gpu = pool.purpose == "gpu"
    labels = {LABEL_POOL: pool.name, LABEL_PURPOSE: pool.purpose}
    if pool.gpu_class:
        labels[LABEL_GPU_CLASS] = pool.gpu_class
    return Pool(
        name=pool.name,
        purpose=pool.purpose,
        machine=machine,
        minimum=pool.minimum,
        maximum=pool.maximum,
        initial=math.ceil(pool.minimum / zones),
        expected=pool.expected if pool.expected is not None else max(pool.minimum, 1),
        spot=pool.spot,
        disk_gib=pool.disk_gib,
        accelerator=accelerator(pool.name, machine) if gpu else None,
        labels=labels,
        taints=(*((GPU_TAINT,) if gpu else ()), *((SPOT_TAINT,) if pool.spot else ())),
    )


def accelerator(pool: str, machine: str) -> tuple[str, int]:
    """GPU type and count of a machine type. Raises ClusterError where it can have none."""
    family, _, last = machine.rpartition("-")
    if family == "g2-standard" and last.isdigit() and int(last) in _L4:
        return "nvidia-l4", _L4[int(last)]
    counted = re.fullmatch(r"(\d+)g", last)
    if family in _GPU_FAMILIES and counted:
        return _GPU_FAMILIES[family], int(counted[1])
    if family.startswith("n1-"):
        return _T4
    raise ClusterError(
        f"pool {pool!r} has purpose 'gpu', but no GPUs are known for machine type {machine!r}; choose g2-standard-8, "
        "a2-highgpu-1g, a3-highgpu-8g or the like, or n1-standard-8 for a T4"
    )


def _database(gcp: Gcp) -> DatabaseShape:
    machine, storage, available = DATABASES[gcp.size]
    wanted = gcp.database
    machine = wanted.machine or machine
    found = re.fullmatch(r"db-custom-(\d+)-(\d+)", machine)
    if found is None:
        raise ClusterError(
            f"gcp.database.machine is {machine!r}; Cloud SQL takes db-custom-<vCPUs>-<MiB> such as db-custom-2-7680"
        )
    return DatabaseShape(
        machine=machine,
        cpus=int(found[1]),
        memory_gib=int(found[2]) / 1024,
        storage_gib=wanted.storage_gib or storage,
        high_availability=available if wanted.high_availability is None else wanted.high_availability,
        backup_days=wanted.backup_days,
    )


def _ranges(gcp: Gcp) -> Ranges:
    """The first half is the nodes', and what has an internal address among them; the last 16 addresses are those of
    the API server."""
    network = ipaddress.IPv4Network(gcp.network)
    nodes, rest = network.subnets(prefixlen_diff=1)
    return Ranges(str(nodes), str(list(rest.subnets(new_prefix=28))[-1]))


def _authorised(gcp: Gcp) -> tuple[str, ...]:
    """A private endpoint is reached from private addresses alone, such as those of a VPN."""
    if gcp.endpoint == "public":
        return gcp.allowed_cidrs
    return tuple(cidr for cidr in gcp.allowed_cidrs if _is_private(ipaddress.IPv4Network(cidr)))


def _is_private(network: ipaddress.IPv4Network) -> bool:
    return any(network.subnet_of(ipaddress.IPv4Network(private)) for private in _PRIVATE)


def _refuse_overlaps(profile: Profile, pools: tuple[Pool, ...]) -> None:
    gcp, ranges = gcp_of(profile), profile.kubernetes.ranges
    network = ipaddress.IPv4Network(gcp.network)
    for name in ("pods", "services"):
        other = ipaddress.IPv4Network(getattr(ranges, name))
        if network.overlaps(other):
            raise ClusterError(f"gcp.network {network} overlaps kubernetes.ranges.{name} {other}; change one of them")
    most = sum(pool.maximum for pool in pools)
    for setting, prefix, room in (
        ("kubernetes.ranges.pods", ranges.pods, _room(ranges.pods, NODES_PER_PREFIX)),
        # Four addresses are GCP's own, and the database, the gateway and the replacements of an upgrade want some.
        ("gcp.network", gcp.network, _room(_ranges(gcp).nodes, 32) - 16),
    ):
        if most > room:
            raise ClusterError(
                f"gcp.pools may grow to {most} nodes, but {setting} {prefix} has room for {max(room, 0)}; give a "
                "larger range or fewer nodes"
            )


def _room(cidr: str, each: int) -> int:
    length = ipaddress.IPv4Network(cidr).prefixlen
    return int(2 ** (each - length)) if each >= length else 0
