"""What the region offers: zones, machine types in each, the version of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator

from infra.clouds.aws.session import Session
from infra.clusters.aws.data import POSTGRES
from infra.clusters.aws.shape import Shape
from infra.preflight.model import Finding

_WITHOUT_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones, by their id, where EKS has no control plane."""


def zones(plan: Shape, session: Session) -> Iterator[Finding]:
    """The account's zones: their names are the account's own, their ids are AWS's."""
    found = session.client("ec2").describe_availability_zones(AllAvailabilityZones=False)["AvailabilityZones"]
    usable = {
        each["ZoneName"]
        for each in found
        if each.get("State", "available") == "available" and each.get("ZoneId") not in _WITHOUT_EKS
    }
    wanted = [zone.name for zone in plan.zones]
    lacking = [name for name in wanted if name not in usable]
    if not lacking:
        yield Finding("zones", True, f"Zones {', '.join(wanted)} are there")
        return
    yield Finding(
        "zones",
        False,
        f"EKS can't use {', '.join(lacking)} in this account; it can use {', '.join(sorted(usable)) or 'none'}.",
        "Name others in aws.zone_names.",
    )


def machines(plan: Shape, session: Session) -> Iterator[Finding]:
    """Machine types of pools by zone, and the database's."""
    wanted = sorted({pool.machine for pool in plan.pools})
    pages = session.client("ec2").get_paginator("describe_instance_type_offerings")
    offered: dict[str, set[str]] = {machine: set() for machine in wanted}
    filters = [{"Name": "instance-type", "Values": wanted}]
    for page in pages.paginate(LocationType="availability-zone", Filters=filters):
        for each in page["InstanceTypeOfferings"]:
            offered[each["InstanceType"]].add(each["Location"])
    names = [zone.name for zone in plan.node_zones]
    for machine in wanted:
        lacking = [name for name in names if name not in offered[machine]]
        remedy = f"Choose another machine for the pool, or other zones in aws.zone_names ({session.region})."
        if not lacking:
            yield Finding(f"machine {machine}", True, f"{machine} in {', '.join(names)}")
        elif len(lacking) == len(names):
            yield Finding(f"machine {machine}", False, f"{machine} is not offered in {', '.join(names)}.", remedy)
        else:
            message = f"{machine} is not offered in {', '.join(lacking)}: its pool grows in the others only."
            yield Finding(f"machine {machine}", False, message, remedy, "warning")
    yield from _database(plan, session)


def _database(plan: Shape, session: Session) -> Iterator[Finding]:
    machine = plan.database.machine
    pages = session.client("rds").get_paginator("describe_orderable_db_instance_options")
    options = [
        option
        for page in pages.paginate(Engine="postgres", DBInstanceClass=machine, Vpc=True)
        for option in page["OrderableDBInstanceOptions"]
        if str(option["EngineVersion"]).partition(".")[0] == POSTGRES
    ]
    if options:
        yield Finding(f"machine {machine}", True, f"PostgreSQL {POSTGRES} on {machine}")
    else:
        yield Finding(
            f"machine {machine}",
            False,
            f"RDS has no PostgreSQL {POSTGRES} on {machine} in {session.region}.",
            "Set aws.database.machine to another one.",
        )


def version(plan: Shape, session: Session) -> Iterator[Finding]:
    """Whether EKS offers the version, and supports it without a surcharge."""
    wanted = plan.kubernetes_version
    pages = session.client("eks").get_paginator("describe_cluster_versions")
    found = {
        str(each["clusterVersion"]): str(each.get("versionStatus", each.get("status", ""))).upper().replace("-", "_")
        for page in pages.paginate()
        for each in page["clusterVersions"]
    }
    if found.get(wanted) == "STANDARD_SUPPORT":
        yield Finding("version", True, f"EKS supports Kubernetes {wanted}")
    elif wanted in found:
        yield Finding(
            "version",
            False,
            f"EKS supports Kubernetes {wanted} for a surcharge only ({found[wanted].lower()}).",
            "Choose a newer kubernetes.version.",
            "warning",
        )
    else:
        known = ", ".join(sorted(found, key=lambda text: [int(part) for part in text.split(".")])) or "none"
        yield Finding(
            "version",
            False,
            f"EKS does not offer Kubernetes {wanted} in {session.region} yet; it has {known}.",
            "Wait for AWS to offer it, or install on hosts of your own (target onprem).",
        )
