"""Profile → zones, ranges, pools, database."""

from __future__ import annotations

import ipaddress

import pytest

from infra.clusters.aws.scope import Scope, partition
from infra.clusters.aws.shape import Database, Pool, Taint, gpu_classes, section, shape
from infra.profile.errors import ProfileInvalid
from infra.profile.load import load
from tests.unit.clusters.aws.declarations import profile


def test_small_is_one_way_out_and_two_pools() -> None:
    made = shape(profile())
    assert made.nats == 1
    assert made.pools == (
        Pool(
            name="system",
            purpose="system",
            machine="m7i.large",
            minimum=2,
            maximum=4,
            expected=2,
            spot=False,
            disk_gib=100,
            image="BOTTLEROCKET_x86_64",
            labels=(("mlp.io/pool", "system"), ("mlp.io/purpose", "system")),
            taints=(),
        ),
        Pool(
            name="cpu",
            purpose="cpu",
            machine="m7i.xlarge",
            minimum=1,
            maximum=4,
            expected=1,
            spot=False,
            disk_gib=100,
            image="BOTTLEROCKET_x86_64",
            labels=(("mlp.io/pool", "cpu"), ("mlp.io/purpose", "cpu")),
            taints=(),
        ),
    )
    assert made.database == Database("db.t4g.medium", 50, 100, False, 14)
    assert made.kubernetes_version == "1.36"


@pytest.mark.parametrize(
    ("size", "nats", "machines", "database", "standby", "gpus"),
    [
        ("small", 1, ["m7i.large", "m7i.xlarge"], "db.t4g.medium", False, ()),
        ("medium", 3, ["m7i.xlarge", "m7i.2xlarge", "m7i.2xlarge", "g6.xlarge"], "db.m7g.large", True, ("l4",)),
        (
            "large",
            3,
            ["m7i.2xlarge", "m7i.4xlarge", "m7i.4xlarge", "g6.xlarge", "g5.4xlarge"],
            "db.m7g.xlarge",
            True,
            ("l4", "a10g"),
        ),
    ],
)
def test_sizes(size: str, nats: int, machines: list[str], database: str, standby: bool, gpus: tuple[str, ...]) -> None:
    chosen = profile(f"aws.size={size}")
    made = shape(chosen)
    assert made.nats == nats
    assert [pool.machine for pool in made.pools] == machines
    assert (made.database.machine, made.database.standby) == (database, standby)
    assert gpu_classes(section(chosen)) == gpus


def test_a_profile_overrides_everything() -> None:
    made = shape(
        profile(
            'aws.pools=[{"name":"system","purpose":"system","minimum":1},'
            '{"name":"big","purpose":"gpu","gpu_class":"h100","machine":"p5.48xlarge","spot":true,"disk_gib":500}]',
            "aws.database.machine=db.r7g.large",
            "aws.database.storage_gib=20",
            "aws.database.high_availability=true",
            "aws.database.backup_days=35",
        )
    )
    assert made.pools[0].machine == "m7i.large"
    assert made.pools[1].machine == "p5.48xlarge"
    assert made.pools[1].image == "BOTTLEROCKET_x86_64_NVIDIA"
    assert made.pools[1].taints == (Taint("nvidia.com/gpu", "present"), Taint("mlp.io/spot", "true"))
    assert (made.pools[1].minimum, made.pools[1].on_demand, made.pools[1].cpus) == (0, 3, 192)
    assert made.database == Database("db.r7g.large", 20, 46, True, 35)


@pytest.mark.parametrize(
    ("machine", "cpus"),
    [
        ("m7i.large", 2),
        ("m7i.xlarge", 4),
        ("m7i-flex.2xlarge", 8),
        ("g6.xlarge", 4),
        ("g4dn.12xlarge", 48),
        ("p4d.24xlarge", 96),
        ("m7i.metal-24xl", 0),
        ("hpc6a.48xlarge", 0),
        ("t3.medium", 0),
    ],
)
def test_processors_are_what_the_machines_name_says_or_unknown(machine: str, cpus: int) -> None:
    pools = f'aws.pools=[{{"name":"s","purpose":"system","minimum":1,"machine":"{machine}"}}]'
    assert shape(profile(pools)).pools[0].cpus == cpus


@pytest.mark.parametrize("network", ["10.40.0.0/16", "172.20.0.0/20", "192.168.64.0/18"])
@pytest.mark.parametrize("zones", [1, 2, 3])
def test_subnets_lie_in_the_network_and_apart(network: str, zones: int) -> None:
    made = shape(profile(f"aws.network={network}", f"aws.zones={zones}"))
    found = [
        ipaddress.IPv4Network(cidr)
        for zone in made.zones
        for cidr in (zone.private, zone.public, zone.data, zone.control)
        if cidr
    ]
    assert all(each.subnet_of(ipaddress.IPv4Network(network)) for each in found)
    assert len(set(ipaddress.collapse_addresses(found))) <= len(found)
    assert sum(each.num_addresses for each in ipaddress.collapse_addresses(found)) == sum(
        each.num_addresses for each in found
    )
    assert all(each.prefixlen <= 28 for each in found), "smaller ones are refused by AWS"


def test_one_zone_for_nodes_is_two_for_the_database_and_the_api_server() -> None:
    made = shape(profile("aws.zones=1"))
    assert [zone.name for zone in made.zones] == ["eu-central-1a", "eu-central-1b"]
    assert [zone.name for zone in made.node_zones] == ["eu-central-1a"]
    assert made.nats == 1


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (("aws.region=ap-northeast-1",), ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")),
        (("aws.region=us-west-1", "aws.zones=2"), ("us-west-1a", "us-west-1c")),
        (('aws.zone_names=["eu-central-1b","eu-central-1c"]', "aws.zones=1"), ("eu-central-1b", "eu-central-1c")),
    ],
)
def test_zones_of_a_region(given: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert tuple(zone.name for zone in shape(profile(*given)).zones) == names


def test_a_region_with_two_zones_has_no_three() -> None:
    with pytest.raises(ValueError, match=r"us-west-1 has 2 zones, aws\.zones is 3: set aws\.zones to 2"):
        shape(profile("aws.region=us-west-1"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("aws.network=10.40.0.0/24", "needs one of 16 to 20"),
        ("aws.network=10.0.0.0/8", "needs one of 16 to 20"),
        ('aws.zone_names=["eu-central-1a"]', "zone_names has 1 zones, needed are 3"),
        ('aws.zone_names=["eu-west-1a","eu-central-1b","eu-central-1c"]', "zone eu-west-1a is not in region"),
        ('aws.zone_names=["eu-central-1a","eu-central-1a","eu-central-1b"]', "has a zone twice"),
        (
            'aws.pools=[{"name":"s","purpose":"system","minimum":1,"machine":"m7g.large"}]',
            "m7g.large has Arm processors",
        ),
        ('aws.administrators=["admin"]', "must be the ARN of an IAM role or user"),
        ("aws.permissions_boundary=mine", "must be the ARN of an IAM policy"),
        ("aws.account=1", "must be 12 digits, in quotes where the first is 0"),
        ("aws.account=012345670123", "must be 12 digits, in quotes where the first is 0"),
        ("aws.account=true", "account"),
    ],
)
def test_what_aws_would_refuse_is_refused_at_once(given: str, words: str) -> None:
    with pytest.raises(ProfileInvalid, match=words):
        profile(given)


@pytest.mark.parametrize("machine", ["g6.xlarge", "m7i.large", "g5.4xlarge", "p4d.24xlarge", "inf2.xlarge"])
def test_machines_with_gpus_are_no_arm(machine: str) -> None:
    profile(f'aws.pools=[{{"name":"s","purpose":"system","minimum":1,"machine":"{machine}"}}]')


def test_ranges_of_people_and_of_networks_are_told_apart() -> None:
    made = shape(profile('aws.allowed_cidrs=["203.0.113.0/24","10.8.0.0/16"]'))
    assert made.open_to == ("203.0.113.0/24",)
    assert made.peers == ("10.8.0.0/16",)
    assert not made.internal_gateway
    assert shape(profile('aws.allowed_cidrs=["10.8.0.0/16"]')).internal_gateway


def test_other_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="target 'local' is not aws"):
        shape(load("local"))


def test_the_longest_names_fit() -> None:
    made = Scope("a" * 24, "123456789012", "us-gov-west-1", (), True)
    assert len(made.bucket("artifacts")) <= 63
    assert len(made.role_name("control-plane")) <= 64
    assert len(made.name("gpu-large-0a1b2c")) <= 63
    assert made.arn("kms", "key/x") == "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/x"
    assert [partition(region) for region in ("eu-central-1", "cn-north-1")] == ["aws", "aws-cn"]


def test_the_platforms_tags_win() -> None:
    made = Scope("blue", "123456789012", "eu-central-1", (("managed-by", "me"), ("team", "ml")), True)
    assert made.tags("n", {"role": "1"}) == {
        "Name": "n",
        "managed-by": "mlp",
        "mlp:installation": "blue",
        "role": "1",
        "team": "ml",
    }
