"""What an installation on AWS consumes."""

from __future__ import annotations

import pytest

from infra.clusters.aws.bill import SKUS, bill
from infra.clusters.bill import Item, monthly
from tests.unit.clusters.aws.declarations import OPEN, declared, profile


def items(*given: str) -> dict[str, Item]:
    return {f"{item.group} {item.name}": item for item in bill(profile(*given))}


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_every_key_is_one_that_the_price_file_is_told(size: str) -> None:
    assert {item.sku for item in bill(profile(f"aws.size={size}"))} <= set(SKUS)


def test_pools_with_their_disks() -> None:
    found = items("aws.size=medium")
    assert found["nodes cpu"] == Item(
        "nodes", "cpu", "m7i.2xlarge", 2, "hour", "workspaces", "2 of 2 to 10 nodes on average"
    )
    assert found["nodes spot"].sku == "m7i.2xlarge:spot"
    assert found["nodes system"].component == "cluster"
    assert (found["nodes gpu disks"].quantity, found["nodes gpu disks"].unit) == (204, "GiB-month")


def test_a_standby_costs_as_much_again() -> None:
    small, medium = items(), items("aws.size=medium")
    assert (small["database PostgreSQL"].quantity, medium["database PostgreSQL"].quantity) == (1, 2)
    assert medium["database PostgreSQL storage"].quantity == 400


def test_what_is_declared_is_billed() -> None:
    for given in ((), OPEN):
        found, made = items(*given), declared(*given)
        assert found["network NAT gateways"].quantity == len(made.of("aws:ec2/natGateway:NatGateway"))
        interfaces = [each for each in made.of("aws:ec2/vpcEndpoint:VpcEndpoint") if each.name != "s3"]
        subnets = sum(len(each.properties["subnetIds"]) for each in interfaces)
        assert found["network private endpoints"].quantity == subnets
        assert found["keys KMS keys"].quantity == len(made.of("aws:kms/key:Key"))
        pools = {each.name for each in made.of("aws:eks/nodeGroup:NodeGroup")}
        assert pools <= {item.name for item in found.values() if item.group == "nodes"}


def test_traffic_is_what_the_profile_assumes() -> None:
    found = items("aws.traffic.internet_gib=1000", "aws.traffic.zone_gib=50")
    assert found["network internet"].quantity == 1000
    assert found["network NAT traffic"].assumption == "1000 GiB to the internet in a month"
    assert found["network between zones"].quantity == 100
    assert monthly(found["network NAT gateways"]) == 730
