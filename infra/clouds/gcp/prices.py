"""List prices by the Cloud Billing catalog.

A machine type has no price there: its vCPUs, its GiB of memory and its GPUs have. The catalog's entries are told apart
by their descriptions, as Google's own price pages do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.clouds.gcp.session import Api
from infra.clusters.gcp import bill


@dataclass(frozen=True)
class Part:
    """`amount` units of what one entry of the catalog is about."""

    service: str
    """Its name in the catalog."""
    description: str
    """Regular expression for the beginning of the entry's description."""
    amount: float = 1.0
    usage: str = "OnDemand"
    """`OnDemand` or `Preemptible`."""


_COMPUTE = "Compute Engine"
_SQL = "Cloud SQL"
_WORDS: Mapping[str, Part] = {
    bill.CONTROL_PLANE: Part("Kubernetes Engine", r"Regional Kubernetes Clusters"),
    bill.DISKS: Part(_COMPUTE, r"Balanced PD Capacity"),
    bill.DATABASE_CPU: Part(_SQL, r"Cloud SQL for PostgreSQL: Zonal - vCPU"),
    bill.DATABASE_MEMORY: Part(_SQL, r"Cloud SQL for PostgreSQL: Zonal - RAM"),
    bill.DATABASE_STORAGE: Part(_SQL, r"Cloud SQL for PostgreSQL: Zonal - Standard storage"),
    bill.BUCKETS: Part("Cloud Storage", r"Standard Storage (?!.*(Dual|Multi))"),
    bill.KEY: Part(
        "Cloud Key Management Service (KMS)", r"Active software symmetric key versions|Active software key versions"
    ),
    bill.DNS: Part("Cloud DNS", r"ManagedZone"),
    bill.REGISTRY: Part("Artifact Registry", r"Artifact Registry Storage"),
}

_GIB_PER_CPU = {"standard": 4.0, "highmem": 8.0, "highcpu": 1.0}
_FAMILY_GIB = {("n1", "standard"): 3.75, ("n1", "highmem"): 6.5, ("n1", "highcpu"): 0.9, ("n2d", "highcpu"): 1.0}
_FAMILIES = {"e2": "E2", "n1": "N1 Predefined", "n2": "N2", "n2d": "N2D AMD", "g2": "G2"}
_GPUS = {"gpu-t4": r"Nvidia Tesla T4 GPU", "g2": r"Nvidia L4 GPU"}
_L4 = {24: 2, 48: 4, 96: 8}
_SPOT = "-spot"


def parts(sku: str) -> tuple[Part, ...]:
    """What a key of the price file is made of; empty where that is not known. Pure."""
    if sku in _WORDS:
        return (_WORDS[sku],)
    name = sku.removesuffix(_SPOT)
    spot = sku.endswith(_SPOT)
    usage, head = ("Preemptible", r"Spot Preemptible ") if spot else ("OnDemand", "")
    if name in _GPUS:
        tail = r" attached to Spot Preemptible VMs" if spot else r" running"
        return (Part(_COMPUTE, _GPUS[name] + tail, 1, usage),)
    machine = re.fullmatch(r"([a-z]\d[a-z]?)-(standard|highmem|highcpu)-(\d+)", name)
    if machine is None or machine[1] not in _FAMILIES:
        return ()
    family, kind, cpus = machine[1], machine[2], int(machine[3])
    gib = cpus * _FAMILY_GIB.get((family, kind), _GIB_PER_CPU[kind])
    called = head + _FAMILIES[family] + " Instance"
    found = [Part(_COMPUTE, f"{called} Core running", cpus, usage), Part(_COMPUTE, f"{called} Ram running", gib, usage)]
    if family in _GPUS:
        tail = r" attached to Spot Preemptible VMs" if spot else r" running"
        found.append(Part(_COMPUTE, _GPUS[family] + tail, _L4.get(cpus, 1), usage))
    return tuple(found)


def price(part: Part, region: str, catalog: Sequence[Mapping[str, Any]]) -> float | None:
    """Of the part in the region; None where no entry, or entries with several prices, would fit. Pure."""
    found = {
        rate
        for entry in catalog
        if re.match(part.description, entry.get("description", ""))
        and (entry.get("category") or {}).get("usageType") == part.usage
        and {region, "global"} & set(entry.get("serviceRegions", ()))
        if (rate := _rate(entry)) is not None
    }
    return found.pop() * part.amount if len(found) == 1 else None


def _rate(entry: Mapping[str, Any]) -> float | None:
    """US dollars of a unit: the first tier that is not free."""
    for info in entry.get("pricingInfo", ()):
        for tier in info.get("pricingExpression", {}).get("tieredRates", ()):
            unit = tier.get("unitPrice", {})
            if unit.get("currencyCode", "USD") != "USD":
                return None
            dollars = float(unit.get("units", 0)) + float(unit.get("nanos", 0)) / 1e9
            if dollars > 0:
                return dollars
    return None


def prices(api: Api, region: str, skus: Sequence[str]) -> Mapping[str, float]:
    """Those of `skus` that the catalog knows. Raises CloudError."""
    wanted = {sku: made for sku in skus if (made := parts(sku))}
    services = {part.service for made in wanted.values() for part in made}
    catalog = dict(_catalog(api, services))
    known: dict[str, float] = {}
    for sku, made in wanted.items():
        costs = [price(part, region, catalog.get(part.service, ())) for part in made]
        if all(cost is not None for cost in costs):
            known[sku] = round(sum(cost for cost in costs if cost is not None), 6)
    return known


def _catalog(api: Api, services: set[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if not services:
        return
    for service in api.pages("cloudbilling", "/v1/services", "services", pageSize=5000):
        name = service.get("displayName", "")
        if name in services:
            path = f"/v1/{service['name']}/skus"
            yield name, list(api.pages("cloudbilling", path, "skus", pageSize=5000, currencyCode="USD"))
