"""What an installation consumes."""

from __future__ import annotations

import pytest

from infra.clusters.bill import Item
from infra.clusters.gcp.bill import SKUS, bill
from infra.profile.load import load
from infra.profile.model import Profile

SIZES = ("small", "medium", "large")


def profile(*given: str) -> Profile:
    return load("gcp", given)


def items(*given: str) -> dict[tuple[str, str], Item]:
    return {(item.group, item.name): item for item in bill(profile(*given))}


@pytest.mark.parametrize("size", SIZES)
def test_every_key_of_a_size_is_listed(size: str) -> None:
    assert {item.sku for item in bill(profile(f"gcp.size={size}"))} <= set(SKUS)


def test_keys_are_sorted_and_there_once() -> None:
    assert list(SKUS) == sorted(set(SKUS))


def test_nodes_count_as_expected_and_bring_their_disks() -> None:
    found = items("gcp.size=medium")
    assert found["nodes", "cpu"].quantity == 3
    assert found["nodes", "cpu"].sku == "n2-standard-8"
    assert found["nodes", "cpu"].component == "workspaces"
    assert found["nodes", "system"].component == "cluster"
    assert found["nodes", "spot"].sku == "n2-standard-8-spot"
    assert found["storage", "cpu disks"].quantity == 300
    assert found["network", "exit"].quantity == 3 + 3 + 1 + 0


def test_a_standby_costs_as_much_again() -> None:
    alone, two = items("gcp.database.high_availability=false"), items("gcp.database.high_availability=true")
    for part in ("vCPUs", "memory", "storage"):
        assert two["database", part].quantity == 2 * alone["database", part].quantity
    assert (alone["database", "vCPUs"].quantity, alone["database", "memory"].quantity) == (1, 3.75)


def test_gpus_of_family_n1_are_paid_for_apart() -> None:
    pools = (
        'gcp.pools=[{"name":"system","purpose":"system","minimum":1},'
        '{"name":"gpu","purpose":"gpu","machine":"n1-standard-8","gpu_class":"t4","expected":2,"spot":true}]'
    )
    found = items(pools)
    assert (found["nodes", "gpu"].sku, found["nodes", "gpu"].quantity) == ("n1-standard-8-spot", 2)
    assert (found["nodes", "gpu GPUs"].sku, found["nodes", "gpu GPUs"].quantity) == ("gpu-t4-spot", 2)


def test_what_is_assumed_is_the_profiles_traffic() -> None:
    found = items("gcp.traffic.internet_gib=7", "gcp.traffic.zone_gib=8", "gcp.traffic.stored_gib=9")
    assert found["network", "to the internet"].quantity == 7
    assert found["network", "between zones"].quantity == 8
    assert found["storage", "buckets"].quantity == 9
    assert ("network", "between zones") not in items("gcp.zones=1")


def test_a_gateway_with_a_public_address_pays_for_it() -> None:
    assert items()["network", "addresses"].quantity == 1
    assert items('gcp.allowed_cidrs=["203.0.113.0/24"]')["network", "addresses"].quantity == 2
