"""What an installation on GCP consumes. Pure.

A key of the price file is a machine type, a machine type with `-spot`, or one of the words below. Cloud SQL is paid
for by vCPU and GiB of memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.clusters.bill import Item
from infra.clusters.gcp.names import gcp_of
from infra.clusters.gcp.shape import MACHINES, POOLS, Pool, Shape, shape
from infra.profile.model import Profile

CONTROL_PLANE = "gke-cluster"
DISKS = "pd-balanced"
DATABASE_CPU, DATABASE_MEMORY, DATABASE_STORAGE = "sql-vcpu", "sql-memory-gib", "sql-ssd"
BUCKETS = "gcs-standard"
NAT, NAT_TRAFFIC = "nat-gateway", "nat-data"
ADDRESS = "external-address"
BALANCER = "forwarding-rule"
PRIVATE_SERVICE = "psc-endpoint"
EGRESS = "internet-out"
ZONES = "zone-transfer"
DNS = "dns-zone"
REGISTRY = "artifact-registry"
KEY = "kms-key-version"

_IMAGES_GIB = 20
_PRIVATE_ZONES = 2
_KEYS = 3
_KEY_VERSIONS = 4
"""Of each key: rotated every 90 days, old versions are kept as long as something may be encrypted with them."""
_GPU_TYPES = {"n1": "gpu-t4"}
"""Families whose GPUs are paid for apart from the machine."""

_WORDS = (
    *(CONTROL_PLANE, DISKS, DATABASE_CPU, DATABASE_MEMORY, DATABASE_STORAGE, BUCKETS, NAT, NAT_TRAFFIC, ADDRESS),
    *(BALANCER, PRIVATE_SERVICE, EGRESS, ZONES, DNS, REGISTRY, KEY),
)


def bill(profile: Profile) -> tuple[Item, ...]:
    """All that has a price. Identities, networks, subnets and firewalls have none; flow logs are left out."""
    made = shape(profile)
    versions = _KEYS * _KEY_VERSIONS
    return (
        Item("cluster", "control plane", CONTROL_PLANE, 1, "hour"),
        *(item for pool in made.pools for item in _pool(pool)),
        *_database(made),
        *_storage(profile),
        *_network(profile, made),
        Item("registry", "images", REGISTRY, _IMAGES_GIB, "GiB-month", assumption=f"{_IMAGES_GIB} GiB of images"),
        Item("keys", "key versions", KEY, versions, "month", assumption=f"{_KEY_VERSIONS} versions of each key"),
    )


def _pool(pool: Pool) -> Iterator[Item]:
    component = "cluster" if pool.purpose == "system" else "workspaces"
    assumed = f"{pool.expected} nodes on average, of {pool.minimum} to {pool.maximum}"
    spot = "-spot" if pool.spot else ""
    yield Item("nodes", pool.name, f"{pool.machine}{spot}", pool.expected, "hour", component, assumed)
    apart = _GPU_TYPES.get(pool.machine.partition("-")[0])
    if pool.accelerator and apart:
        count = pool.expected * pool.accelerator[1]
        yield Item("nodes", f"{pool.name} GPUs", f"{apart}{spot}", count, "hour", component, assumed)
    gib = pool.expected * pool.disk_gib
    yield Item("storage", f"{pool.name} disks", DISKS, gib, "GiB-month", component, assumed)


def _database(made: Shape) -> Iterator[Item]:
    database = made.database
    servers = 2 if database.high_availability else 1
    note = "with its standby" if servers == 2 else ""
    yield Item("database", "vCPUs", DATABASE_CPU, database.cpus * servers, "hour", "database", note)
    yield Item("database", "memory", DATABASE_MEMORY, database.memory_gib * servers, "hour", "database", note)
    yield Item("database", "storage", DATABASE_STORAGE, database.storage_gib * servers, "GiB-month", "database", note)


def _storage(profile: Profile) -> Iterator[Item]:
    traffic = gcp_of(profile).traffic
    stored, volumes = traffic.stored_gib, traffic.volumes_gib
    yield Item("storage", "buckets", BUCKETS, stored, "GiB-month", "tracking", f"{stored} GiB on average")
    yield Item("storage", "volumes", DISKS, volumes, "GiB-month", "workspaces", f"{volumes} GiB on average")


def _network(profile: Profile, made: Shape) -> Iterator[Item]:
    gcp = gcp_of(profile)
    sent, between = gcp.traffic.internet_gib, gcp.traffic.zone_gib
    nodes = sum(pool.expected for pool in made.pools)
    yield Item("network", "exit", NAT, nodes, "hour", assumption="the exit is paid for by node")
    yield Item("network", "through the exit", NAT_TRAFFIC, sent, "GiB", assumption=f"{sent} GiB in a month")
    yield Item("network", "to the internet", EGRESS, sent, "GiB", assumption=f"{sent} GiB in a month")
    if len(made.zones) > 1:
        yield Item("network", "between zones", ZONES, between, "GiB", assumption=f"{between} GiB in a month")
    yield Item("network", "addresses", ADDRESS, 1 + made.gateway_public, "hour")
    yield Item("network", "gateway", BALANCER, 1, "hour", "gateway")
    yield Item("network", "way to the database", PRIVATE_SERVICE, 1, "hour", "database")
    yield Item("network", "private DNS", DNS, _PRIVATE_ZONES, "month")
    if gcp.domain:
        yield Item("network", gcp.domain, DNS, 1, "month", "gateway")


def _machines() -> Iterator[str]:
    for size, pools in POOLS.items():
        machines: Mapping[str, str] = MACHINES[size]
        yield from machines.values()
        yield from (f"{machines[pool.purpose]}-spot" for pool in pools if pool.spot)


SKUS: tuple[str, ...] = tuple(sorted({*_WORDS, *_machines()}))
"""All that any size consumes, with or without what a profile adds; machine types that a profile names itself are
priced when the price file is refreshed for it."""
