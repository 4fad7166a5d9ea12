"""What an installation on Azure consumes. Pure.

A key of the price file is a machine type, a machine type with `-spot`, `postgres-` and a machine type, a tier of disks
such as `disk-P10`, or one of the words below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from infra.clusters.azure.names import PRIVATE_ZONES, azure_of
from infra.clusters.azure.shape import DATABASES, MACHINES, POOLS, Pool, Shape, shape
from infra.clusters.bill import Item
from infra.profile.cloud import NodePool
from infra.profile.model import Profile

CONTROL_PLANE = "aks-standard"
NAT, NAT_TRAFFIC = "nat-gateway", "nat-gateway-data"
ADDRESS = "public-ipv4"
BALANCER = "load-balancer"
ENDPOINT, ENDPOINT_TRAFFIC = "private-endpoint", "private-endpoint-data"
EGRESS = "internet-out"
ZONE, PRIVATE_ZONE = "dns-zone", "private-dns-zone"
BLOBS_ONE_ZONE, BLOBS_ZONES = "blobs-lrs", "blobs-zrs"
DATABASE_STORAGE = "postgres-storage"
REGISTRY = "registry-premium"
VAULT = "vault-operations"

_TIERS = {"P4": 32, "P6": 64, "P10": 128, "P15": 256, "P20": 512, "P30": 1024, "P40": 2048, "P50": 4096, "P60": 8192}
_TIERS |= {"P70": 16384}
"""Premium SSDs are paid for by tier: name → GiB of the largest disk."""

_VOLUME_GIB = 64
_ENDPOINTS = 4
"""Both storage accounts, the registry, and AKS' own to the vault."""
_VAULT_OPERATIONS = 20
"""Ten thousands in a month."""

_WORDS = (
    *(CONTROL_PLANE, NAT, NAT_TRAFFIC, ADDRESS, BALANCER, ENDPOINT, ENDPOINT_TRAFFIC, EGRESS, ZONE, PRIVATE_ZONE),
    *(BLOBS_ONE_ZONE, BLOBS_ZONES, DATABASE_STORAGE, REGISTRY, VAULT),
)


def disk(gib: int) -> str:
    """Key of the smallest tier that holds so much; the profile allows no larger disk than the largest tier."""
    return f"disk-{next(tier for tier, size in _TIERS.items() if size >= gib)}"


def bill(profile: Profile) -> tuple[Item, ...]:
    """All that has a price. Traffic between zones has none on Azure, nor have identities, networks and subnets."""
    made = shape(profile)
    return (
        *_cluster(made),
        *(item for pool in made.pools for item in _pool(pool)),
        *_database(made),
        *_storage(profile, made),
        *_network(profile, made),
        Item("registry", "images", REGISTRY, 1, "month", assumption="at most 500 GiB of images"),
        Item("keys", "vault", VAULT, _VAULT_OPERATIONS, "month", assumption="200,000 uses of the keys"),
    )


def _cluster(made: Shape) -> Iterator[Item]:
    if made.tier == "Standard":
        yield Item("cluster", "control plane", CONTROL_PLANE, 1, "hour")


def _pool(pool: Pool) -> Iterator[Item]:
    component = "cluster" if pool.mode == "System" else "workspaces"
    assumed = f"{pool.expected} on average, between {pool.minimum} and {pool.maximum}"
    sku = f"{pool.machine}-spot" if pool.spot else pool.machine
    yield Item("nodes", pool.name, sku, pool.expected, "hour", component, assumed)
    yield Item("storage", f"{pool.name} disks", disk(pool.disk_gib), pool.expected, "month", component, assumed)


def _database(made: Shape) -> Iterator[Item]:
    servers = 2 if made.database.high_availability else 1
    note = "with its standby" if servers == 2 else ""
    machine = f"postgres-{made.database.machine}"
    yield Item("database", "server", machine, servers, "hour", "database", note)
    gib = made.database.storage_gib * servers
    yield Item("database", "storage", DATABASE_STORAGE, gib, "GiB-month", "database", note)


def _storage(profile: Profile, made: Shape) -> Iterator[Item]:
    traffic = azure_of(profile).traffic
    blobs = BLOBS_ZONES if len(made.zones) > 1 else BLOBS_ONE_ZONE
    assumed = f"{traffic.stored_gib} GiB on average"
    yield Item("storage", "artifacts", blobs, traffic.stored_gib, "GiB-month", "tracking", assumed)
    volumes = math.ceil(traffic.volumes_gib / _VOLUME_GIB)
    assumed = f"{traffic.volumes_gib} GiB in volumes of {_VOLUME_GIB} GiB"
    yield Item("storage", "volumes", disk(_VOLUME_GIB), volumes, "month", "workspaces", assumed)


def _network(profile: Profile, made: Shape) -> Iterator[Item]:
    azure = azure_of(profile)
    sent, stored = azure.traffic.internet_gib, azure.traffic.stored_gib
    yield Item("network", "exit", NAT, 1, "hour")
    yield Item("network", "through the exit", NAT_TRAFFIC, sent, "GiB", assumption=f"{sent} GiB in a month")
    yield Item("network", "to the internet", EGRESS, sent, "GiB", assumption=f"{sent} GiB in a month")
    addresses = 2 if made.gateway_public else 1
    yield Item("network", "addresses", ADDRESS, addresses, "hour")
    yield Item("network", "gateway", BALANCER, 1, "hour", "gateway")
    yield Item("network", "private endpoints", ENDPOINT, _ENDPOINTS, "hour")
    assumed = f"{stored} GiB in a month: all that is stored, once"
    yield Item("network", "through private endpoints", ENDPOINT_TRAFFIC, stored, "GiB", assumption=assumed)
    # That of the database too, and AKS' own where the API server is private.
    private = len(PRIVATE_ZONES) + 1 + (azure.endpoint == "private")
    yield Item("network", "private DNS", PRIVATE_ZONE, private, "month")
    if azure.domain:
        yield Item("network", azure.domain, ZONE, 1, "month", "gateway")


def _machine(pool: NodePool, machines: dict[str, str]) -> str:
    return machines[pool.purpose] + ("-spot" if pool.spot else "")


SKUS: tuple[str, ...] = tuple(
    sorted(
        {
            *_WORDS,
            *(machine for machines in MACHINES.values() for machine in machines.values()),
            *(_machine(pool, dict(MACHINES[size])) for size, pools in POOLS.items() for pool in pools),
            *(f"postgres-{machine}" for machine, _, _ in DATABASES.values()),
            *(f"disk-{tier}" for tier in _TIERS),
        }
    )
)
"""All that any size consumes, with or without what a profile adds; machine types that a profile names itself are
priced when the price file is refreshed for it."""
