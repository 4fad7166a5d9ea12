"""Profile → what there will be, with every default resolved: zones, ranges, pools, the database. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.catalog import CATALOG
from components.for_cloud import belongs, settings_for_cloud
from components.tracking.images import workspace_image
from components.tracking.settings import TrackingSettings
from infra.clusters.aws.scope import Scope
from infra.profile.aws import Aws
from infra.profile.cloud import NodePool, Size
from infra.profile.model import Profile
from infra.profile.notebooks import names_below

GPU_TAINT = "nvidia.com/gpu"
SPOT_TAINT = "mlp.io/spot"
LABEL_PURPOSE, LABEL_GPU, LABEL_POOL = "mlp.io/purpose", "mlp.io/gpu-class", "mlp.io/pool"

_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
"""Ranges that reach the network by a VPN, a peering or the like, never from the internet."""

_LETTERS: Mapping[str, str] = {"ap-northeast-1": "acd", "ca-central-1": "abd", "us-west-1": "ac"}
"""Last letters of a region's zones where they are not a, b and c. Preflight asks whether the account has them."""

_MACHINE: Mapping[tuple[Size, str], str] = {
    ("small", "system"): "m7i.large",
    ("medium", "system"): "m7i.xlarge",
    ("large", "system"): "m7i.2xlarge",
    ("small", "cpu"): "m7i.xlarge",
    ("medium", "cpu"): "m7i.2xlarge",
    ("large", "cpu"): "m7i.4xlarge",
    ("small", "gpu"): "g6.xlarge",
    ("medium", "gpu"): "g6.xlarge",
    ("large", "gpu"): "g6.xlarge",
}
"""By size and purpose, where a pool names none."""

_POOLS: Mapping[Size, tuple[NodePool, ...]] = {
    "small": (
        NodePool(name="system", purpose="system", minimum=2, maximum=4),
        NodePool(name="cpu", minimum=1, maximum=4),
    ),
    "medium": (
        NodePool(name="system", purpose="system", minimum=3, maximum=6),
        NodePool(name="cpu", minimum=2, maximum=10),
        NodePool(name="spot", maximum=10, expected=2, spot=True),
        NodePool(name="gpu", purpose="gpu", maximum=4, expected=1, gpu_class="l4", disk_gib=200),
    ),
    "large": (
        NodePool(name="system", purpose="system", minimum=3, maximum=9),
        NodePool(name="cpu", minimum=3, maximum=30),
        NodePool(name="spot", maximum=50, expected=4, spot=True),
        NodePool(name="gpu", purpose="gpu", maximum=8, expected=2, gpu_class="l4", disk_gib=200),
        NodePool(
            name="gpu-large", purpose="gpu", machine="g5.4xlarge", maximum=8, expected=1, gpu_class="a10g", disk_gib=400
        ),
    ),
}
"""Where the profile has none."""

_DATABASE: Mapping[Size, tuple[str, int, bool]] = {
    "small": ("db.t4g.medium", 50, False),
    "medium": ("db.m7g.large", 200, True),
    "large": ("db.m7g.xlarge", 500, True),
}
"""Machine, GiB, standby."""

MACHINES = frozenset(
    {
        *_MACHINE.values(),
        *(pool.machine for pools in _POOLS.values() for pool in pools if pool.machine),
        *(machine for machine, _, _ in _DATABASE.values()),
    }
)
"""Machine types that some size uses; those of databases begin with `db.`."""


@dataclass(frozen=True)
class Taint:
    """Keeps pods off a node that do not tolerate it."""

    key: str
    value: str
    effect: Literal["NO_SCHEDULE"] = "NO_SCHEDULE"
    """As the EKS API spells it."""


@dataclass(frozen=True)
class Pool:
    """Equal nodes: a managed node group of as many as there always are, and those that are made on demand."""

    name: str
    purpose: str
    machine: str
    minimum: int
    maximum: int
    expected: int
    """Nodes on average, for the cost."""
    spot: bool
    disk_gib: int
    image: str
    """EKS's `amiType`. Bottlerocket: a read-only system without a shell; the NVIDIA one brings the device plugin."""
    labels: tuple[tuple[str, str], ...]
    taints: tuple[Taint, ...]

    @property
    def on_demand(self) -> int:
        """Nodes that may come beside those that are always there."""
        return self.maximum - self.minimum

    @property
    def cpus(self) -> int:
        """Processors of one node, as the machine's name says: `xlarge` has 4, `8xlarge` 8 times 4. 0 for names that do
        not say it, such as those of whole machines (`metal`) and of a family with processors of one thread (`hpc`)."""
        family, _, size = self.machine.partition(".")
        times, found, _ = size.partition("xlarge")
        if family.startswith(("hpc", "t2")) or not found:
            return 2 if size == "large" else 0
        return 4 * (int(times) if times.isdigit() else 1)


@dataclass(frozen=True)
class Database:
    """The RDS instance."""

    machine: str
    storage_gib: int
    maximum_gib: int
    """The storage grows by itself up to here."""
    standby: bool
    backup_days: int


@dataclass(frozen=True)
class Zone:
    """The subnets of one availability zone. `private` and `public` are empty in a zone without nodes."""

    name: str
    private: str
    public: str
    data: str
    """The database and file system; no way out."""
    control: str
    """Where EKS puts the API server's addresses."""

    @property
    def letter(self) -> str:
        """What sets its resources' names apart."""
        return self.name[-1]


@dataclass(frozen=True)
class Shape:
    """Everything that the program and the bill need to know of a profile."""

    scope: Scope
    network: str
    services: str
    zones: tuple[Zone, ...]
    nats: int
    """NAT gateways: one for size small, else one for each zone with nodes."""
    kubernetes_version: str
    """As EKS has it: without the patch level."""
    public_endpoint: bool
    open_to: tuple[str, ...]
    """Public ranges that may reach the gateway, and the API server where its endpoint is public."""
    peers: tuple[str, ...]
    """Private ranges, such as a VPN's, that may."""
    administrators: tuple[str, ...]
    pools: tuple[Pool, ...]
    database: Database
    repositories: tuple[str, ...]
    domain: str
    notebooks: tuple[str, ...]
    """Wildcard names of notebook servers below the domain."""
    identity: Literal["pod-identity", "irsa"]
    permissions_boundary: str
    """ARN that the profile gives; empty for the platform's own."""
    log_days: int

    @property
    def node_zones(self) -> tuple[Zone, ...]:
        """Those that nodes are spread over."""
        return tuple(zone for zone in self.zones if zone.private)

    @property
    def internal_gateway(self) -> bool:
        """Whether the gateway's load balancer has private addresses only."""
        return not self.open_to

    def nat_zone(self, zone: Zone) -> Zone:
        """The zone whose NAT gateway serves this one."""
        with_nat = self.node_zones[: self.nats]
        return zone if zone in with_nat else with_nat[0]


def section(profile: Profile) -> Aws:
    """The profile's section. Raises ValueError for a profile of another target."""
    if profile.aws is None:
        raise ValueError(f"target {profile.target!r} is not aws")
    return profile.aws


def shape(profile: Profile) -> Shape:
    """Raises ValueError for a profile of another target."""
    aws = section(profile)
    ranges = [ipaddress.IPv4Network(cidr) for cidr in aws.allowed_cidrs]
    return Shape(
        scope=scope(profile),
        network=aws.network,
        services=profile.kubernetes.ranges.services,
        zones=zones(aws),
        nats=1 if aws.size == "small" else aws.zones,
        kubernetes_version=".".join(profile.kubernetes.version.removeprefix("v").split(".")[:2]),
        public_endpoint=aws.endpoint == "public",
        open_to=tuple(str(each) for each in ranges if not _private(each)),
        peers=tuple(str(each) for each in ranges if _private(each)),
        administrators=aws.administrators,
        pools=pools(aws),
        database=database(aws),
        repositories=repositories(profile),
        domain=aws.domain or "",
        notebooks=names_below(profile, aws.domain) if aws.domain else (),
        identity=aws.identity,
        permissions_boundary=aws.permissions_boundary or "",
        log_days=aws.log_days,
    )


def _private(network: ipaddress.IPv4Network) -> bool:
    return any(network.subnet_of(each) for each in _PRIVATE)


def scope(profile: Profile) -> Scope:
    """The installation's names and tags."""
    aws = section(profile)
    return Scope(profile.name, aws.account, aws.region, tuple(sorted(aws.tags.items())), aws.deletion_protection)


def zone_names(aws: Aws) -> tuple[str, ...]:
    """At least two: EKS and RDS want subnets in two zones even where nodes are in one."""
    wanted = max(2, aws.zones)
    if aws.zone_names:
        return aws.zone_names[:wanted]
    letters = _LETTERS.get(aws.region, "abc")
    if len(letters) < wanted:
        raise ValueError(f"region {aws.region} has {len(letters)} zones, aws.zones is {aws.zones}: set aws.zones to 2")
    return tuple(aws.region + letter for letter in letters[:wanted])


def zones(aws: Aws) -> tuple[Zone, ...]:
    """The first three quarters of the network are for nodes and pods, one for each zone; the last one for the rest."""
    network = ipaddress.IPv4Network(aws.network)
    quarters = list(network.subnets(prefixlen_diff=2))
    small = [str(each) for each in quarters[3].subnets(prefixlen_diff=4)]
    return tuple(
        Zone(
            name=name,
            private=str(quarters[index]) if index < aws.zones else "",
            public=small[index] if index < aws.zones else "",
            data=small[4 + index],
            control=small[8 + index],
        )
        for index, name in enumerate(zone_names(aws))
    )


def pools(aws: Aws) -> tuple[Pool, ...]:
    """The profile's pools, or those of its size."""
    return tuple(_pool(pool, aws.size) for pool in aws.pools or _POOLS[aws.size])


def gpu_classes(aws: Aws) -> tuple[str, ...]:
    """Names of the classes of GPUs that there will be."""
    return tuple(dict.fromkeys(value for pool in pools(aws) for key, value in pool.labels if key == LABEL_GPU))


def _pool(pool: NodePool, size: Size) -> Pool:
    gpu = ((LABEL_GPU, pool.gpu_class),) if pool.gpu_class else ()
    taints = (Taint(GPU_TAINT, "present"),) if pool.purpose == "gpu" else ()
    return Pool(
        name=pool.name,
        purpose=pool.purpose,
        machine=pool.machine or _MACHINE[size, pool.purpose],
        minimum=pool.minimum,
        maximum=pool.maximum,
        expected=pool.expected if pool.expected is not None else max(pool.minimum, 1),
        spot=pool.spot,
        disk_gib=pool.disk_gib,
        image="BOTTLEROCKET_x86_64_NVIDIA" if pool.purpose == "gpu" else "BOTTLEROCKET_x86_64",
        labels=((LABEL_POOL, pool.name), (LABEL_PURPOSE, pool.purpose), *gpu),
        taints=(*taints, *((Taint(SPOT_TAINT, "true"),) if pool.spot else ())),
    )


def database(aws: Aws) -> Database:
    """The profile's, with what its size says where it is silent."""
    machine, gib, standby = _DATABASE[aws.size]
    chosen = aws.database
    storage = chosen.storage_gib or gib
    return Database(
        machine=chosen.machine or machine,
        storage_gib=storage,
        # RDS refuses a maximum that is less than a quarter above the storage.
        maximum_gib=max(storage * 2, storage + 26),
        standby=standby if chosen.high_availability is None else chosen.high_availability,
        backup_days=chosen.backup_days,
    )


def repositories(profile: Profile) -> tuple[str, ...]:
    """Names of the images that nodes pull: an ECR repository must be there before the first push to it."""
    images: list[Any] = [workspace_image(TrackingSettings())]
    for component in CATALOG:
        choice = profile.components.choice(component.name)
        if choice.enabled and belongs(component.name, "aws"):
            images += component.images(settings_for_cloud(component, choice.settings, "aws"))
    return tuple(sorted({image.name for image in images}))
