"""Prices by the retail price API: from a key of the price file to a question, and from its lines to a unit's price."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.clouds.azure.session import AzureError, Session, words
from infra.clouds.model import CloudError

_DAYS = 30.4
"""Of a month; what is billed by the day becomes a month's price."""
EVERYWHERE = ("", "Global")
"""Regions of what costs the same everywhere."""


@dataclass(frozen=True)
class Question:
    """A filter of the price API, and which of the lines it gives counts."""

    filters: Mapping[str, str]
    """Field → value, as the API has them."""
    product: str = ""
    """Pattern that the product's name must match."""
    not_product: str = ""
    meter: str = ""
    """Pattern that the meter's name must match."""
    not_meter: str = ""
    factor: float = 1.0
    """Units of Azure's in one of ours."""

    def text(self, region: str) -> str:
        """The API's language. Regions that it leaves empty are asked for as such."""
        parts = {"priceType": "Consumption", "armRegionName": region, **self.filters}
        return " and ".join(f"{name} eq '{value}'" for name, value in parts.items())


_WORDS: Mapping[str, Question] = {
    "aks-standard": Question({"serviceName": "Azure Kubernetes Service"}, meter=r"Standard Uptime SLA$"),
    "blobs-lrs": Question({"serviceName": "Storage", "skuName": "Hot LRS"}, "General Block Blob v2", "", "Data Stored"),
    "blobs-zrs": Question({"serviceName": "Storage", "skuName": "Hot ZRS"}, "General Block Blob v2", "", "Data Stored"),
    "dns-zone": Question({"serviceName": "Azure DNS"}, meter=r"^Public Zones?$"),
    "private-dns-zone": Question({"serviceName": "Azure DNS"}, meter=r"^Private Zones?$"),
    "internet-out": Question(
        {"serviceName": "Bandwidth"},
        r"(Rtn Preference: MGN|Bandwidth - Routing Preference: MGN|^Bandwidth$)",
        "",
        r"^Standard Data Transfer Out$",
    ),
    "load-balancer": Question(
        {"serviceName": "Load Balancer"}, meter=r"Standard Included LB Rules and Outbound Rules$"
    ),
    "nat-gateway": Question({"serviceName": "NAT Gateway"}, meter=r"^Standard Gateway$"),
    "nat-gateway-data": Question({"serviceName": "NAT Gateway"}, meter=r"^Standard Data Processed$"),
    "postgres-storage": Question(
        {"serviceName": "Azure Database for PostgreSQL"}, r"Flexible Server Storage", "", r"^Storage Data Stored$"
    ),
    "private-endpoint": Question(
        {"serviceName": "Virtual Network"}, "Private Link", "", r"^Standard Private Endpoint$"
    ),
    "private-endpoint-data": Question(
        {"serviceName": "Virtual Network"}, "Private Link", "", r"^Standard Data Processed - Ingress$"
    ),
    "public-ipv4": Question(
        {"serviceName": "Virtual Network"}, "IP Addresses", "", r"^Standard IPv4 Static Public IP$"
    ),
    "registry-premium": Question({"serviceName": "Container Registry"}, meter=r"^Premium Registry Unit$", factor=_DAYS),
    "vault-operations": Question({"serviceName": "Key Vault"}, meter=r"^Operations$"),
}


def question(sku: str) -> Question | None:
    """None for what the API is not asked."""
    if sku in _WORDS:
        return _WORDS[sku]
    if found := re.fullmatch(r"disk-(P\d+)", sku):
        filters = {"serviceName": "Storage", "skuName": f"{found[1]} LRS"}
        return Question(filters, "Premium SSD Managed Disks", "", rf"^{found[1]} LRS Disk$")
    if found := re.fullmatch(r"postgres-(Standard_\w+)", sku):
        return _database(found[1])
    if found := re.fullmatch(r"(Standard_\w+?)(-spot)?", sku):
        filters = {"serviceName": "Virtual Machines", "armSkuName": found[1]}
        if found[2]:
            return Question(filters, "", "Windows", r"Spot$")
        return Question(filters, "", "Windows", "", r"(Spot|Low Priority|Expired)$")
    return None


def _database(machine: str) -> Question | None:
    """Burstable servers are paid for by machine, others by core."""
    filters = {"serviceName": "Azure Database for PostgreSQL"}
    if found := re.fullmatch(r"Standard_(B\d+\w*)", machine):
        return Question({**filters, "armSkuName": machine}, "Flexible Server Burstable", "", rf"^{found[1]}$")
    if found := re.fullmatch(r"Standard_([DE])(\d+)([a-z]*)_(v\d+)", machine):
        letter, count, features, version = found.groups()
        tier = {"D": "General Purpose", "E": "Memory Optimized"}[letter]
        product = rf"Flexible Server {tier}.*\b{letter}{features}{version}\b"
        return Question(filters, product, "", r"^vCore$", factor=float(count))
    return None


def price(asked: Question, lines: Iterable[Mapping[str, Any]]) -> float | None:
    """The price of a unit at the first quantities that are not free; the same meter may be listed under several names.

    None where no line counts. Pure.
    """
    paid = [line for line in lines if _counts(asked, line) and float(line["retailPrice"]) > 0]
    if not paid:
        return None
    tier = min(_tier(line) for line in paid)
    values = [
        float(line["retailPrice"]) / _unit(str(line.get("unitOfMeasure", "1"))) for line in paid if _tier(line) == tier
    ]
    return round(min(values) * asked.factor, 6)


def _tier(line: Mapping[str, Any]) -> float:
    """Quantity from which the line counts; the first units of some things are free."""
    return float(line.get("tierMinimumUnits", 0))


def _counts(asked: Question, line: Mapping[str, Any]) -> bool:
    product, meter = str(line.get("productName", "")), str(line.get("meterName", ""))
    return (
        line.get("type", "Consumption") == "Consumption"
        and re.search(asked.product, product, re.IGNORECASE) is not None
        and not (asked.not_product and re.search(asked.not_product, product))
        and re.search(asked.meter, meter) is not None
        and not (asked.not_meter and re.search(asked.not_meter, meter))
    )


def _unit(text: str) -> float:
    """`100 Hours` → 100: how many units one price is for."""
    found = re.match(r"([\d.]+)\s*(K|M)?", text)
    if found is None:
        return 1.0
    return float(found[1]) * {None: 1.0, "K": 1e3, "M": 1e6}[found[2]]


def prices(session: Session, region: str, skus: Sequence[str]) -> dict[str, float]:
    """Those of the SKUs that the API knows, in US dollars. Raises CloudError."""
    found: dict[str, float] = {}
    try:
        for sku in skus:
            asked = question(sku)
            known = None if asked is None else _ask(session, asked, region)
            if known is not None:
                found[sku] = known
    except AzureError as error:
        raise CloudError(f"Azure's price list does not answer: {words(error)} Try again later.") from error
    return found


def _ask(session: Session, asked: Question, region: str) -> float | None:
    for where in (region, *EVERYWHERE):
        lines = [line for page in session.price_pages(asked.text(where)) for line in page]
        known = price(asked, lines)
        if known is not None:
            return known
    return None
