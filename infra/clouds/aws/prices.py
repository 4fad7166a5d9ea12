"""List prices by AWS's price API, for the keys of the price file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from infra.clouds.aws.session import FAILED, Session, said
from infra.clouds.model import CloudError
from infra.clusters.aws.bill import SPOT

_API_REGION = "us-east-1"
"""The price API answers in few regions, for all of them."""

_LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}


@dataclass(frozen=True)
class Product:
    """How the price API finds one."""

    service: str
    usage: str
    """End of the usage type, whose beginning is the region's short name in most regions."""
    attributes: tuple[tuple[str, str], ...] = ()
    everywhere: bool = False
    """Whether it costs the same in all regions, and is not listed by region."""


_PRODUCTS: Mapping[str, Product] = {
    "cloudwatch-logs": Product("AmazonCloudWatch", "DataProcessing-Bytes"),
    "ecr-storage": Product("AmazonECR", "TimedStorage-ByteHrs"),
    "efs-standard": Product("AmazonEFS", "TimedStorage-ByteHrs", (("storageClass", "General Purpose"),)),
    "eks-cluster": Product("AmazonEKS", "AmazonEKS-Hours:perCluster"),
    "gp3": Product("AmazonEC2", "EBS:VolumeUsage.gp3"),
    "internet-out": Product("AWSDataTransfer", "DataTransfer-Out-Bytes", (("transferType", "AWS Outbound"),)),
    "kms-key": Product("awskms", "KMS-Keys"),
    "nat-gateway": Product("AmazonEC2", "NatGateway-Hours"),
    "nat-gateway-data": Product("AmazonEC2", "NatGateway-Bytes"),
    "nlb": Product("AWSELB", "LoadBalancerUsage", (("operation", "LoadBalancing:Network"),)),
    "nlb-capacity": Product("AWSELB", "LCUUsage", (("operation", "LoadBalancing:Network"),)),
    "public-ipv4": Product("AmazonVPC", "PublicIPv4:InUseAddress"),
    "rds-gp3": Product(
        "AmazonRDS", "RDS:GP3-Storage", (("databaseEngine", "PostgreSQL"), ("deploymentOption", "Single-AZ"))
    ),
    "route53-zone": Product("AmazonRoute53", "HostedZone", everywhere=True),
    "s3-standard": Product("AmazonS3", "TimedStorage-ByteHrs", (("volumeType", "Standard"),)),
    "secret": Product("AWSSecretsManager", "AWSSecretsManager-Secrets"),
    "vpc-endpoint": Product("AmazonVPC", "VpcEndpoint-Hours"),
    "vpc-endpoint-data": Product("AmazonVPC", "VpcEndpoint-Bytes"),
    "zone-transfer": Product("AWSDataTransfer", "DataTransfer-Regional-Bytes", (("transferType", "IntraRegion"),)),
}


def prices(session: Session, skus: Sequence[str]) -> Mapping[str, float]:
    """US dollars for a unit. What has steps costs what the first one that is not free does. Raises CloudError."""
    found: dict[str, float] = {}
    try:
        for sku in sorted(set(skus)):
            price = _spot(session, sku.removesuffix(SPOT)) if sku.endswith(SPOT) else _listed(session, sku)
            if price is not None:
                found[sku] = price
    except FAILED as error:
        raise CloudError(
            f"AWS did not say its prices: {said(error)}. It takes the right pricing:GetProducts."
        ) from error
    return found


def _listed(session: Session, sku: str) -> float | None:
    product = _PRODUCTS.get(sku)
    if product is not None:
        attributes, service, usage = dict(product.attributes), product.service, product.usage
    elif sku.startswith("db."):
        attributes = {"instanceType": sku, "databaseEngine": "PostgreSQL", "deploymentOption": "Single-AZ"}
        service, usage = "AmazonRDS", f"InstanceUsage:{sku}"
    elif "." in sku:
        attributes, service, usage = {"instanceType": sku, **_LINUX}, "AmazonEC2", f"BoxUsage:{sku}"
    else:
        return None
    if product is None or not product.everywhere:
        attributes["fromRegionCode" if service == "AWSDataTransfer" else "regionCode"] = session.region
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in sorted(attributes.items())]
    pages = session.client("pricing", _API_REGION).get_paginator("get_products")
    listed = (
        json.loads(text) for page in pages.paginate(ServiceCode=service, Filters=filters) for text in page["PriceList"]
    )
    return lowest(listed, usage)


def lowest(products: Iterable[Mapping[str, Any]], usage: str) -> float | None:
    """The first step's price on demand of products with that usage, the cheapest of them; None where there is none."""
    found: list[float] = []
    for product in products:
        kind = str(product["product"]["attributes"].get("usagetype", ""))
        if kind != usage and not kind.endswith(f"-{usage}"):
            continue
        for term in product["terms"].get("OnDemand", {}).values():
            steps = sorted(term["priceDimensions"].values(), key=lambda each: float(each.get("beginRange") or 0))
            paid = [float(step["pricePerUnit"].get("USD", 0)) for step in steps]
            found += [price for price in paid if price > 0][:1]
    return min(found, default=None)


def _spot(session: Session, machine: str) -> float | None:
    """What the machine costs now, on average over the zones."""
    answer = session.client("ec2").describe_spot_price_history(
        InstanceTypes=[machine], ProductDescriptions=["Linux/UNIX"], MaxResults=20
    )
    newest: dict[str, tuple[Any, float]] = {}
    for each in answer["SpotPriceHistory"]:
        zone, when = each["AvailabilityZone"], each["Timestamp"]
        if zone not in newest or when > newest[zone][0]:
            newest[zone] = (when, float(each["SpotPrice"]))
    return round(mean(price for _, price in newest.values()), 5) if newest else None
