"""A plan → the picture of what it makes: places, machines, data, and who reaches what. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.plan.cost import Cost, Line
from infra.plan.cost import region as region_of
from infra.plan.difference import Op, ResourceChange
from infra.plan.drawing import Box, Frame, Mark, Picture
from infra.profile.model import FirstTenant, Profile

_NAMES = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure"}
_CLUSTERS = {"aws": "EKS", "gcp": "GKE", "azure": "AKS"}
_RANK: tuple[Op, ...] = ("destroy", "replace", "change", "create")
"""What is told of several resources: the most drastic."""


@dataclass(frozen=True)
class Thing:
    """One declared resource, or one that goes."""

    kind: str
    """Last part of its type token, such as `Vpc`."""
    name: str
    mark: Mark


def things(declared: Iterable[tuple[str, str, str]], changes: Iterable[ResourceChange]) -> tuple[Thing, ...]:
    """`declared`: URN, type token and name of every resource; those to destroy come from the changes."""
    ops = {change.urn: change for change in changes}
    found = [Thing(kind.rpartition(":")[2], name, ops[urn].op if urn in ops else "") for urn, kind, name in declared]
    gone = [
        Thing(change.kind.rpartition(":")[2], change.name, "destroy")
        for change in ops.values()
        if change.op == "destroy"
    ]
    return (*found, *gone)


def topology(profile: Profile, cluster: Sequence[Thing], components: Sequence[Thing], cost: Cost | None) -> Picture:
    """The picture of a profile's installation. `components`: what is installed in the cluster."""
    if profile.cloud is not None:
        return _cloud(profile, cluster, components, cost)
    return _own(profile, cluster, components)


def _cloud(profile: Profile, cluster: Sequence[Thing], components: Sequence[Thing], cost: Cost | None) -> Picture:
    cloud = profile.cloud
    assert cloud is not None  # noqa: S101 - for the type checker; the caller looked
    lines = cost.lines if cost else ()
    place = region_of(profile)
    pools = _pools(profile, cluster, components, lines)
    network = Frame(
        f"Network {cloud.network}",
        (
            Frame(
                f"{_CLUSTERS[profile.target]} {profile.kubernetes.version}",
                (
                    Frame("Node pools", pools, _columns(len(pools), 3)),
                    *_inside(profile, components),
                ),
                note=f"API server {cloud.endpoint}",
                mark=_worst(_of(cluster, *_CLUSTER_KINDS)),
            ),
            Frame(
                f"{cloud.zones} zones",
                (
                    _box("PostgreSQL", _of(cluster, "Instance", "DatabaseInstance", "Server"), lines, "database"),
                    _box(
                        "Subnets",
                        _of(cluster, "Subnet", "Subnetwork"),
                        (),
                        more=(f"spread over {cloud.zones} zones",),
                    ),
                    _box(
                        "Way out (NAT)",
                        _of(cluster, "NatGateway", "RouterNat"),
                        lines,
                        "network",
                        match=("nat", "exit"),
                    ),
                ),
                3,
            ),
        ),
        mark=_worst(_of(cluster, "Vpc", "Network", "VirtualNetwork")),
    )
    services = (
        _box(
            "Buckets",
            _of(cluster, "Bucket", "BucketV2", "StorageAccount"),
            lines,
            "storage",
            not_match=("disk", "volume"),
        ),
        _box("Volumes", (), lines, "storage", match=("disk", "volume"), mark=_worst(_of(cluster, *_POOLS))),
        _box("Image registry", _of(cluster, "Repository", "Registry"), lines, "registry"),
        _box("Keys", _of(cluster, "Key", "CryptoKey", "Vault"), lines, "keys"),
        _box("Identities", _of(cluster, *_IDENTITIES), ()),
    )
    return Picture(
        title=f"Platform {profile.name} on {_NAMES[profile.target]}",
        subtitle=_subtitle(profile),
        columns=(
            (5, _outside(profile, cluster, components)),
            (14, (Frame(f"Region {place}", (network,)),)),
            (6, (Frame("Services of the cloud", services), *_money(cost))),
        ),
        footer=_footer(cost),
    )


_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_POOLS = ("NodeGroup", "NodePool", "AgentPool")
_CLUSTER_KINDS = ("Cluster", "ManagedCluster")
_IDENTITIES = ("Role", "Account", "UserAssignedIdentity")


def _own(profile: Profile, cluster: Sequence[Thing], components: Sequence[Thing]) -> Picture:
    hosts = _of(cluster, "Host", "Machine", "BareHost")
    ranges = profile.kubernetes.ranges
    roles = {host.name: host.role for host in profile.onprem.hosts} if profile.onprem else {}
    addresses = {host.name: host.address for host in profile.onprem.hosts} if profile.onprem else {}
    planes = {thing.name for thing in _of(cluster, "ControlPlane")}
    boxes = tuple(
        Box(
            host.name,
            (
                roles.get(host.name, "control plane" if host.name in planes else "worker").replace("-", " "),
                *([addresses[host.name]] if host.name in addresses else []),
            ),
            host.mark,
        )
        for host in hosts
    )
    where = {
        "local": "This machine",
        "onprem": "Hosts of your own",
        "existing": "A cluster that is there already",
    }[profile.target]
    virtual = profile.onprem.virtual_address if profile.onprem else None
    made = (
        (Frame("Hosts", boxes, _columns(len(boxes), 4), f"{ranges.nodes}" if profile.local else ""),) if boxes else ()
    )
    inside = (Frame(where, (*made, *_inside(profile, components))),)
    return Picture(
        title=f"Platform {profile.name}, target {profile.target}",
        subtitle=f"Kubernetes {profile.kubernetes.version}, pods {ranges.pods}, services {ranges.services}"
        + (f", API server at {virtual}" if virtual else ""),
        columns=((5, _outside(profile, cluster, components)), (18, inside)),
    )


def _outside(profile: Profile, cluster: Sequence[Thing], components: Sequence[Thing]) -> tuple[Box, ...]:
    cloud = profile.cloud
    gateway = _worst(thing for thing in components if thing.kind in _WORKLOADS and "mlp-gateway/" in thing.name)
    service = _worst(thing for thing in components if thing.kind == "Service" and "mlp-gateway/" in thing.name)
    people = Box("People", ("browser, CLI, notebooks", "signed in, through TLS"), dashed=True)
    if cloud is None:
        url = {
            "local": f"https://localhost:{profile.local.ports.gateway}" if profile.local else "",
            "existing": profile.existing.public_url if profile.existing else "",
            "onprem": profile.onprem.public_url if profile.onprem else "",
        }[profile.target]
        return people, Box("↓ Gateway", (url,), gateway)
    allowed = tuple(f"open to {cidr}" for cidr in cloud.allowed_cidrs) or ("only inside the network",)
    return (
        people,
        Box("↓ Name", (cloud.domain or "", "DNS zone of the platform"), _worst(_of(cluster, "Zone", "ManagedZone"))),
        Box("↓ Load balancer", allowed, service),
        Box("→ Gateway", ("the only entrance", "asks who calls, then lets in"), gateway),
    )


def _inside(profile: Profile, components: Sequence[Thing]) -> tuple[Frame, ...]:
    by_place: dict[str, list[Thing]] = {}
    for thing in components:
        if thing.kind in _WORKLOADS:
            by_place.setdefault(thing.name.split("/")[1], []).append(thing)
    installed = tuple(
        Box(place, tuple(sorted(thing.name.rpartition("/")[2] for thing in of)), _worst(of))
        for place, of in sorted(by_place.items())
    )
    first = profile.first_tenant
    own = (Box(f"Tenant {first.name}", (f"workspace {first.workspace}", _quota(first))),) if first else ()
    further = Box("Further tenants", ("namespaces of their own,", "quota, policies, default deny"), dashed=True)
    tenants = (*own, further)
    return (
        Frame("The platform", installed, _columns(len(installed), 4)),
        Frame("Tenants", tenants, _columns(len(tenants), 3)),
    )


def _quota(first: FirstTenant) -> str:
    return f"{first.quota.cpu} CPU, {first.quota.memory} at most"


def _pools(
    profile: Profile, cluster: Sequence[Thing], components: Sequence[Thing], lines: Sequence[Line]
) -> tuple[Box, ...]:
    """A box for each pool that costs something, and each that is made. Clouds make some pools with the cluster; pools
    that a component scales are objects in it, beside the nodes that are always there."""
    named: dict[str, list[Thing]] = {}
    for thing in (*_of(cluster, *_POOLS), *_of(components, "NodePool")):
        named.setdefault(thing.name.rpartition("/")[2], []).append(thing)
    made = {name: _worst(of) for name, of in named.items()}
    machines = [line for line in lines if line.item.group == "nodes" and line.item.unit == "hour"]
    whole = _worst(_of(cluster, *_CLUSTER_KINDS))
    boxes = []
    for name in dict.fromkeys([*(line.item.name for line in machines), *made]):
        own = [line for line in machines if line.item.name == name]
        told = next((each for each in (profile.cloud.pools if profile.cloud else ()) if each.name == name), None)
        texts = [f"{line.item.quantity:g} of {line.item.sku} on average" for line in own]
        if told is not None:
            texts.append(f"{told.minimum} to {told.maximum} nodes" + (", spot" if told.spot else ""))
        texts += [_money_of(own)] if own else []
        boxes.append(Box(name, tuple(texts), made.get(name, whole)))
    return tuple(boxes)


def _box(
    title: str,
    of: Sequence[Thing],
    lines: Sequence[Line],
    group: str = "",
    *,
    match: tuple[str, ...] = (),
    not_match: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
    mark: Mark = "",
) -> Box:
    """A box for some resources, with their lines of the bill."""
    own = [
        line
        for line in lines
        if line.item.group == group
        and (not match or any(word in f"{line.item.name} {line.item.sku}" for word in match))
        and not any(word in f"{line.item.name} {line.item.sku}" for word in not_match)
    ]
    names = sorted({thing.name for thing in of})
    shown = (", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""),) if names else ()
    amounts = tuple(_amount(line) for line in own[:3])
    return Box(title, (*shown, *more, *amounts, *([_money_of(own)] if own else [])), _worst(of) or mark)


def _amount(line: Line) -> str:
    item = line.item
    unit = "" if item.unit in ("hour", "month") else " GiB"
    return f"{item.name}: {item.quantity:g}{unit} {item.sku}"


def _money_of(lines: Sequence[Line]) -> str:
    known = [line.monthly for line in lines if line.monthly is not None]
    least = "at least " if len(known) < len(lines) else ""
    return f"{least}{sum(known):.2f} a month" if known else "price unknown"


def _money(cost: Cost | None) -> tuple[Box, ...]:
    if cost is None:
        return ()
    least = "at least " if cost.total.at_least else ""
    parts = tuple(
        f"{part.name}: {'unknown' if part.at_least and not part.monthly else f'{part.monthly:.2f}'}"
        for part in cost.by_group()
    )
    total = f"{least}{cost.total.monthly:.2f} {cost.prices.currency} a month"
    return (Box(f"{total[0].upper()}{total[1:]}", parts),)


def _subtitle(profile: Profile) -> str:
    size = f"size {profile.cloud.size}, " if profile.cloud else ""
    return f"{size}Kubernetes {profile.kubernetes.version}"


def _footer(cost: Cost | None) -> tuple[str, ...]:
    if cost is None or cost.prices.date is None:
        return ()
    return (f"Prices: {cost.prices.source}, {cost.prices.date.isoformat()}, region {cost.prices.region}.",)


def _of(found: Sequence[Thing], *kinds: str) -> tuple[Thing, ...]:
    return tuple(thing for thing in found if thing.kind in kinds)


def _worst(of: Iterable[Thing]) -> Mark:
    marks = {thing.mark for thing in of}
    return next((op for op in _RANK if op in marks), "")


def _columns(count: int, most: int) -> int:
    return max(1, min(count, most))
