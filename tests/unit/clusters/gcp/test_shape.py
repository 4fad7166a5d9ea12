"""Sizes, what a profile overrides, and what it may not combine."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest

from infra.clusters.errors import ClusterError
from infra.clusters.gcp.names import Names, labels, names
from infra.clusters.gcp.shape import (
    GPU_TAINT,
    SPOT_TAINT,
    DatabaseShape,
    Pool,
    Ranges,
    accelerator,
    shape,
)
from infra.profile.errors import ProfileInvalid
from infra.profile.load import load
from infra.profile.model import Profile


def profile(*given: str) -> Profile:
    return load("gcp", ("name=blue", *given))


def pools(*made: dict[str, object]) -> str:
    system = {"name": "system", "purpose": "system", "minimum": 1}
    return "gcp.pools=" + json.dumps([system, *made])


def test_a_small_installation() -> None:
    made = shape(profile())
    assert [(pool.name, pool.machine, pool.minimum, pool.maximum) for pool in made.pools] == [
        ("system", "e2-standard-4", 2, 3),
        ("cpu", "e2-standard-4", 0, 4),
    ]
    assert made.database == DatabaseShape("db-custom-1-3840", 1, 3.75, 20, False, 14)
    assert made.ranges == Ranges("10.40.0.0/17", "10.40.255.240/28")
    assert made.zones == ("europe-west4-a", "europe-west4-b", "europe-west4-c")
    assert made.authorised == ()
    assert not made.gateway_public


def test_larger_ones_have_spot_nodes_gpus_and_a_standby() -> None:
    made = shape(profile("gcp.size=medium"))
    assert made.database.high_availability
    spot, gpu = made.pools[2:]
    assert (spot.spot, spot.taints) == (True, (SPOT_TAINT,))
    assert gpu == Pool(
        name="gpu",
        purpose="gpu",
        machine="g2-standard-8",
        minimum=0,
        maximum=4,
        initial=0,
        expected=0,
        spot=False,
        disk_gib=200,
        accelerator=("nvidia-l4", 1),
        labels={"mlp.io/pool": "gpu", "mlp.io/purpose": "gpu", "mlp.io/gpu-class": "l4"},
        taints=(GPU_TAINT,),
    )
    assert shape(profile("gcp.size=large")).pools[1].maximum == 40


def test_what_a_profile_names_is_taken() -> None:
    made = shape(
        profile(
            pools({"name": "big", "machine": "n2-highmem-32", "minimum": 4, "maximum": 9, "expected": 5}),
            "gcp.database.machine=db-custom-4-16384",
            "gcp.database.storage_gib=64",
            "gcp.database.high_availability=true",
            "gcp.zones=2",
            'gcp.zone_names=["europe-west4-b","europe-west4-c"]',
        )
    )
    big = made.pools[1]
    assert (big.machine, big.minimum, big.maximum, big.initial, big.expected) == ("n2-highmem-32", 4, 9, 2, 5)
    assert made.database == DatabaseShape("db-custom-4-16384", 4, 16.0, 64, True, 14)
    assert made.zones == ("europe-west4-b", "europe-west4-c")


def test_some_regions_have_no_zone_a() -> None:
    assert shape(profile("gcp.region=europe-west1")).zones == ("europe-west1-b", "europe-west1-c", "europe-west1-d")


def test_a_private_endpoint_lets_private_addresses_in_alone() -> None:
    ranges = 'gcp.allowed_cidrs=["203.0.113.0/24","10.8.0.0/16"]'
    assert shape(profile(ranges)).authorised == ("10.8.0.0/16",)
    assert shape(profile(ranges, "gcp.endpoint=public")).authorised == ("203.0.113.0/24", "10.8.0.0/16")
    assert shape(profile(ranges)).gateway_public


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("g2-standard-24", ("nvidia-l4", 2)),
        ("a2-highgpu-4g", ("nvidia-tesla-a100", 4)),
        ("a2-ultragpu-1g", ("nvidia-a100-80gb", 1)),
        ("a3-highgpu-8g", ("nvidia-h100-80gb", 8)),
        ("n1-standard-8", ("nvidia-tesla-t4", 1)),
    ],
)
def test_machine_types_bring_their_gpus(machine: str, expected: tuple[str, int]) -> None:
    assert accelerator("gpu", machine) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((pools({"name": "g", "purpose": "gpu", "gpu_class": "x", "machine": "e2-standard-4"}),), "no GPUs are known"),
        (("gcp.database.machine=db-f1-micro",), "db-custom-<vCPUs>-<MiB>"),
        (("gcp.network=10.96.0.0/16",), "overlaps kubernetes.ranges.services"),
        ((pools({"name": "many", "maximum": 300}),), "has room for 256"),
        (("gcp.network=10.40.0.0/26",), "gcp.network 10.40.0.0/26 has room for 16"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(given: tuple[str, ...], message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        shape(profile("gcp.size=large", *given) if "network=10.40" in given[0] else profile(*given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gcp.network=10.40.0.0/28", "prefix length 28"),
        ('gcp.zone_names=["us-east1-b"]', "zones is 3"),
        ('gcp.zone_names=["us-east1-b","us-east1-c","us-east1-d"]', "not in region europe-west4"),
        (pools({"name": "arm", "machine": "t2a-standard-4"}), "Arm processors"),
        (pools({"name": "new", "machine": "c4-standard-8"}), "no balanced persistent disks"),
    ],
)
def test_profiles_that_gcp_cannot_have_are_invalid(given: str, message: str) -> None:
    with pytest.raises(ProfileInvalid, match=message):
        profile(given)


@pytest.mark.parametrize("network", ["10.40.0.0/16", "10.40.0.0/24", "10.40.0.0/26"])
def test_ranges_are_parts_of_the_network_that_do_not_meet(network: str) -> None:
    found = shape(profile(f"gcp.network={network}")).ranges
    nodes, control = IPv4Network(found.nodes), IPv4Network(found.control)
    assert nodes.subnet_of(IPv4Network(network))
    assert control.subnet_of(IPv4Network(network))
    assert not nodes.overlaps(control)
    assert control.prefixlen == 28


def test_names_are_deterministic_valid_and_short_enough() -> None:
    longest = Names("a-name-of-24-letters-xyz", "p" * 30)
    assert len(longest.account("nodes")) <= 30
    assert longest.account("nodes") != Names("a-name-of-24-letters-xyy", "p" * 30).account("nodes")
    assert len(longest.bucket("artifacts")) <= 63
    assert longest.bucket("artifacts") != Names("a-name-of-24-letters-xyz", "other-project").bucket("artifacts")
    assert names(profile()).role("keep-buckets") == "mlp_blue_keep_buckets"
    assert names(profile()).principal("123", "mlp-tracking/tracking") == (
        "principal://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/my-project.svc.id.goog"
        "/subject/ns/mlp-tracking/sa/tracking"
    )


def test_a_profile_cannot_take_the_platforms_labels_away() -> None:
    found = labels(profile("gcp.tags.mlp-installation=other", "gcp.tags.team=ml"))
    assert found == {"team": "ml", "mlp-installation": "blue", "managed-by": "mlp"}
