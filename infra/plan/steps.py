"""Profile → the ordered steps of `up`, and what may not change between two of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.profile.model import Profile


@dataclass(frozen=True)
class PlannedStep:
    """One named, idempotent step. `expected` is seconds where nothing was measured on this machine yet."""

    name: str
    title: str
    expected: float


PREFLIGHT = PlannedStep("preflight", "Check the machine", 1)
TOOLCHAIN = PlannedStep("toolchain", "Find or build the tools", 1600)
IMAGES = PlannedStep("images", "Build the images", 240)
CLUSTER = PlannedStep("cluster", "Make the cluster", 90)
CLOUD_CLUSTER = PlannedStep("cluster", "Make the cluster", 1500)
PUSH = PlannedStep("push", "Push the images", 240)
ADDRESS = PlannedStep("address", "Point the domain at the gateway", 120)
COMPONENTS = PlannedStep("components", "Install the components", 90)
CONTROL_PLANE = PlannedStep("control-plane", "Install the control plane", 60)
FIRST_TENANT = PlannedStep("first-tenant", "Make the first tenant", 5)


def steps(profile: Profile) -> tuple[PlannedStep, ...]:
    """The steps of `up` in order. The same list whatever was done before: each step finds out what is left to do."""
    first_tenant = (FIRST_TENANT,) if profile.first_tenant else ()
    push = (PUSH,) if profile.supply.delivery == "push" else ()
    address = (ADDRESS,) if profile.cloud else ()
    cluster = CLOUD_CLUSTER if profile.cloud else CLUSTER
    return (PREFLIGHT, TOOLCHAIN, IMAGES, cluster, *push, COMPONENTS, *address, CONTROL_PLANE, *first_tenant)


IMMUTABLE = (
    "name",
    "target",
    "supply.registry",
    "kubernetes.ranges.pods",
    "kubernetes.ranges.services",
    "kubernetes.ranges.nodes",
    "existing.context",
    "onprem.virtual_address",
    *(f"{cloud}.{field}" for cloud in ("aws", "gcp", "azure") for field in ("zones", "network")),
    "aws.account",
    "aws.region",
    "aws.zone_names",
    "gcp.project",
    "gcp.region",
    "gcp.zone_names",
    "azure.subscription",
    "azure.tenant",
    "azure.location",
    "state.backend",
    "state.secrets",
)


@dataclass(frozen=True)
class Change:
    """A field that differs between two profiles."""

    path: str
    before: object
    after: object
    immutable: bool


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every leaf that differs between two dumped profiles, in path order. Empty where `before` is empty."""
    if not before:
        return ()
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return tuple(
        Change(path, old.get(path), new.get(path), path in IMMUTABLE)
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(below, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
