"""What an installation on AWS consumes. Pure; the price file says what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from infra.clusters.aws.network import INTERFACE_ENDPOINTS
from infra.clusters.aws.shape import MACHINES, Pool, Shape, section, shape
from infra.clusters.bill import Item
from infra.profile.cloud import Traffic
from infra.profile.model import Profile

SPOT = ":spot"
"""Ends the SKU of a machine that AWS may take back; without it, the machine is on demand."""

_SYSTEM_DISK_GIB = 4
_LOG_SHARE = 0.05
"""Of the traffic between zones and to the internet: what logs of the network and the control plane may weigh."""
_IMAGES_GIB = 10
_KEYS = 2

_FIXED = (
    "cloudwatch-logs",
    "ecr-storage",
    "efs-standard",
    "eks-cluster",
    "gp3",
    "internet-out",
    "kms-key",
    "nat-gateway",
    "nat-gateway-data",
    "nlb",
    "nlb-capacity",
    "public-ipv4",
    "rds-gp3",
    "route53-zone",
    "s3-standard",
    "secret",
    "vpc-endpoint",
    "vpc-endpoint-data",
    "zone-transfer",
)

SKUS = tuple(
    sorted({*_FIXED, *MACHINES, *(f"{machine}{SPOT}" for machine in MACHINES if not machine.startswith("db."))})
)
"""Every key of the price file that some size can ask for. Pools and databases of a profile can add machine types."""


def bill(profile: Profile) -> tuple[Item, ...]:
    """Everything that costs by the hour, by what it holds or by what it sends; requests are left out, which come to
    little. Raises ValueError for a profile of another target."""
    plan, traffic = shape(profile), section(profile).traffic
    return (
        Item("cluster", "EKS", "eks-cluster", 1, "hour"),
        *(item for pool in plan.pools for item in _pool(pool)),
        *_database(plan),
        *_storage(traffic),
        *_network(plan, traffic),
        Item("registry", "images", "ecr-storage", _IMAGES_GIB, "GiB-month", assumption=f"{_IMAGES_GIB} GiB of images"),
        Item("keys", "KMS keys", "kms-key", _KEYS, "month"),
        Item("keys", "database password", "secret", 1, "month", "database"),
    )


def _pool(pool: Pool) -> Iterator[Item]:
    component = "cluster" if pool.purpose == "system" else "workspaces"
    said = f"{pool.expected} of {pool.minimum} to {pool.maximum} nodes on average"
    sku = pool.machine + (SPOT if pool.spot else "")
    yield Item("nodes", pool.name, sku, pool.expected, "hour", component, said)
    gib = pool.expected * (pool.disk_gib + _SYSTEM_DISK_GIB)
    yield Item("nodes", f"{pool.name} disks", "gp3", gib, "GiB-month", component, said)


def _database(plan: Shape) -> Iterator[Item]:
    copies = 2 if plan.database.standby else 1
    said = "with a standby" if plan.database.standby else ""
    yield Item("database", "PostgreSQL", plan.database.machine, copies, "hour", "database", said)
    gib = copies * plan.database.storage_gib
    yield Item("database", "PostgreSQL storage", "rds-gp3", gib, "GiB-month", "database", said)


def _storage(traffic: Traffic) -> Iterator[Item]:
    kept = f"{traffic.stored_gib} GiB kept on average"
    volumes = f"{traffic.volumes_gib} GiB of volumes on average"
    yield Item("storage", "buckets", "s3-standard", traffic.stored_gib, "GiB-month", "tracking", kept)
    yield Item("storage", "volumes", "gp3", traffic.volumes_gib, "GiB-month", "workspaces", volumes)
    yield Item("storage", "shared volumes", "efs-standard", 0, "GiB-month", "workspaces", "none on average")


def _network(plan: Shape, traffic: Traffic) -> Iterator[Item]:
    sent = f"{traffic.internet_gib} GiB to the internet in a month"
    between = f"{traffic.zone_gib} GiB between zones in a month"
    endpoints = len(INTERFACE_ENDPOINTS) * plan.nats
    balancer_zones = len(plan.node_zones)
    addresses = plan.nats + (0 if plan.internal_gateway else balancer_zones)
    logs = (traffic.internet_gib + traffic.zone_gib) * _LOG_SHARE
    yield Item("network", "NAT gateways", "nat-gateway", plan.nats, "hour")
    yield Item("network", "NAT traffic", "nat-gateway-data", traffic.internet_gib, "GiB", assumption=sent)
    yield Item("network", "private endpoints", "vpc-endpoint", endpoints, "hour")
    yield Item("network", "traffic of private endpoints", "vpc-endpoint-data", _IMAGES_GIB, "GiB", assumption="images")
    yield Item("network", "load balancer", "nlb", 1, "hour", "gateway")
    yield Item("network", "load balancer capacity", "nlb-capacity", 1, "hour", "gateway", "one capacity unit in use")
    yield Item("network", "public addresses", "public-ipv4", addresses, "hour")
    yield Item("network", "internet", "internet-out", traffic.internet_gib, "GiB", "gateway", sent)
    # Both sides of a transfer between zones are charged.
    yield Item("network", "between zones", "zone-transfer", 2 * traffic.zone_gib, "GiB", assumption=between)
    yield Item("network", "logs", "cloudwatch-logs", logs, "GiB", assumption=f"{_LOG_SHARE:.0%} of the traffic")
    yield Item("network", "DNS zone", "route53-zone", 1, "month", "gateway")
