"""Whether the account's quotas have room: machines by their kind, addresses, networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from infra.clouds.aws.session import Session
from infra.clusters.aws.scope import TAG
from infra.clusters.aws.shape import Shape
from infra.preflight.model import Finding


@dataclass(frozen=True)
class Quota:
    """One of Service Quotas."""

    service: str
    code: str
    what: str


_CORES: Mapping[tuple[str, bool], Quota] = {
    ("standard", False): Quota("ec2", "L-1216C47A", "vCPUs of standard machines"),
    ("g", False): Quota("ec2", "L-DB2E81BA", "vCPUs of G machines"),
    ("p", False): Quota("ec2", "L-417A185B", "vCPUs of P machines"),
    ("standard", True): Quota("ec2", "L-34B43A08", "vCPUs of standard spot machines"),
    ("g", True): Quota("ec2", "L-3819A6DF", "vCPUs of G spot machines"),
    ("p", True): Quota("ec2", "L-7212CCBC", "vCPUs of P spot machines"),
}
"""By kind of machine, and whether AWS may take it back."""

_ADDRESSES = Quota("ec2", "L-0263D0A3", "Elastic IP addresses")
_NETWORKS = Quota("vpc", "L-F678F1CE", "VPCs")
_STANDARD = "acdhimrtz"


def machine_kind(machine: str) -> str | None:
    """Under which quota a machine type counts: `standard`, `g` or `p`; None for kinds with quotas of their own."""
    family = "".join(takewhile(str.isalpha, machine))
    if family in ("g", "gr", "vt"):
        return "g"
    if family == "p":
        return "p"
    return "standard" if len(family) == 1 and family in _STANDARD else None


def check(plan: Shape, session: Session) -> Iterator[Finding]:
    """What runs for this installation already counts as its own."""
    yield from _cores(plan, session)
    ec2 = session.client("ec2")
    addresses = ec2.describe_addresses()["Addresses"]
    networks = [vpc for page in ec2.get_paginator("describe_vpcs").paginate() for vpc in page["Vpcs"]]
    for quota, needed, there in ((_ADDRESSES, plan.nats, addresses), (_NETWORKS, 1, networks)):
        used = sum(1 for each in there if not _ours(each.get("Tags", ()), plan))
        yield _finding(session, quota, needed, needed, used)


def _cores(plan: Shape, session: Session) -> Iterator[Finding]:
    sizes = _sizes(session, sorted({pool.machine for pool in plan.pools}))
    first: Counter[tuple[str, bool]] = Counter()
    most: Counter[tuple[str, bool]] = Counter()
    for pool in plan.pools:
        kind = machine_kind(pool.machine)
        if kind is not None and pool.machine in sizes:
            first[kind, pool.spot] += pool.minimum * sizes[pool.machine]
            most[kind, pool.spot] += pool.maximum * sizes[pool.machine]
    used = _used(plan, session)
    for key in sorted(most):
        yield _finding(session, _CORES[key], first[key], most[key], used[key])


def _sizes(session: Session, machines: list[str]) -> dict[str, int]:
    """vCPUs by machine type; those that AWS does not have here are left out, `machines` tells of them."""
    pages = session.client("ec2").get_paginator("describe_instance_types")
    # A filter, since a name that does not exist would be an error.
    found = pages.paginate(Filters=[{"Name": "instance-type", "Values": machines}])
    return {each["InstanceType"]: each["VCpuInfo"]["DefaultVCpus"] for page in found for each in page["InstanceTypes"]}


def _used(plan: Shape, session: Session) -> Counter[tuple[str, bool]]:
    pages = session.client("ec2").get_paginator("describe_instances")
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    used: Counter[tuple[str, bool]] = Counter()
    for page in pages.paginate(Filters=running):
        for machine in (each for reservation in page["Reservations"] for each in reservation["Instances"]):
            kind = machine_kind(machine["InstanceType"])
            if kind is not None and not _ours(machine.get("Tags", ()), plan):
                cores = machine.get("CpuOptions", {})
                spot = machine.get("InstanceLifecycle") == "spot"
                used[kind, spot] += cores.get("CoreCount", 1) * cores.get("ThreadsPerCore", 1)
    return used


def _ours(tags: Any, plan: Shape) -> bool:
    return any(tag["Key"] == TAG and tag["Value"] == plan.scope.installation for tag in tags)


def _finding(session: Session, quota: Quota, first: int, most: int, used: int) -> Finding:
    limit = session.client("service-quotas").get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
    value = int(limit["Quota"]["Value"])
    free = value - used
    name = f"quota {quota.code}"
    said = f"{used} of {value} {quota.what} are in use in {session.region}"
    wanted = max(first, most) + used
    remedy = (
        f"Ask for {wanted}: aws service-quotas request-service-quota-increase --service-code {quota.service} "
        f"--quota-code {quota.code} --desired-value {wanted}"
    )
    if first > free:
        return Finding(name, False, f"{first} are needed at once, {said}.", remedy)
    if most > free:
        return Finding(name, False, f"Pools may grow to {most}, {said}.", remedy, "warning")
    return Finding(name, True, f"{most} at most; {said}")
