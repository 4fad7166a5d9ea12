"""Profile → pools, database, ranges and names on Azure."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from infra.clusters.azure.address import program as address_program
from infra.clusters.azure.bill import SKUS, bill, disk
from infra.clusters.azure.classes import storage_classes
from infra.clusters.azure.data import derived
from infra.clusters.azure.kubeconfig import for_installer
from infra.clusters.azure.names import names, pool_name, tags
from infra.clusters.azure.shape import GPU_TAINT, SPOT_TAINT, DatabaseShape, Pool, Subnets, check, shape
from infra.clusters.bill import Item
from infra.clusters.errors import ClusterError
from infra.profile.load import load
from infra.profile.model import Profile

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


def profile(*given: str) -> Profile:
    return load("azure", given)


def test_the_small_size_is_two_pools_without_a_promise() -> None:
    made = shape(profile())
    system = Pool(
        name="system",
        aks_name="system",
        mode="System",
        machine="Standard_D4s_v5",
        minimum=2,
        maximum=3,
        expected=2,
        spot=False,
        disk_gib=100,
        gpu=False,
        labels={"mlp.io/pool": "system", "mlp.io/purpose": "system"},
    )
    cpu = replace(
        system,
        name="cpu",
        aks_name="cpu",
        mode="User",
        minimum=0,
        maximum=4,
        expected=1,
        labels={"mlp.io/pool": "cpu", "mlp.io/purpose": "cpu"},
    )
    assert made.pools == (system, cpu)
    assert made.database == DatabaseShape("Standard_B2s", "Burstable", 32, True, False, True, 14)
    assert made.subnets == Subnets("10.40.0.0/17", "10.40.128.0/20", "10.40.144.0/20", "10.40.160.0/20")
    assert (made.zones, made.tier, made.gateway_public) == (("1", "2", "3"), "Free", False)


@pytest.mark.parametrize("size", ["medium", "large"])
def test_larger_sizes_have_spot_and_gpu_nodes_that_only_the_tolerant_reach(size: str) -> None:
    made = shape(profile(f"azure.size={size}"))
    by_name = {pool.name: pool for pool in made.pools}
    assert list(by_name) == ["system", "cpu", "spot", "gpu"]
    assert {name: pool.taints for name, pool in by_name.items()} == {
        "system": (),
        "cpu": (),
        "spot": (SPOT_TAINT,),
        "gpu": (GPU_TAINT,),
    }
    assert made.database.high_availability
    assert made.tier == "Standard"


def test_what_a_profile_names_wins_over_its_size() -> None:
    chosen = profile(
        "azure.size=large",
        'azure.pools=[{"name":"team-a-workers","machine":"Standard_E8s_v5","maximum":7,"spot":true},'
        '{"name":"base","purpose":"system","minimum":1}]',
        "azure.database.machine=Standard_E4ds_v5",
        "azure.database.storage_gib=600",
        "azure.database.high_availability=false",
        "azure.database.backup_days=1",
        "azure.zones=1",
    )
    made = shape(chosen)
    assert [(pool.name, pool.mode, pool.machine) for pool in made.pools] == [
        ("base", "System", "Standard_D8s_v5"),
        ("team-a-workers", "User", "Standard_E8s_v5"),
    ]
    assert made.database == DatabaseShape("Standard_E4ds_v5", "MemoryOptimized", 1024, False, False, False, 7)
    assert made.zones == ("1",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("azure.database.high_availability=true", "burstable"),
        ("azure.database.machine=db.m5.large", "PostgreSQL servers take types such as Standard_D2ds_v5"),
        ("azure.network=10.40.0.0/25", "too small"),
        ("azure.network=10.244.0.0/16", "overlaps kubernetes.ranges.pods 10.244.0.0/16"),
        ("azure.network=10.0.0.0/8", "overlaps kubernetes.ranges.pods"),
    ],
)
def test_what_azure_does_not_have_is_refused_before_anything_is_made(given: str, message: str) -> None:
    with pytest.raises(ClusterError, match=re.escape(message)):
        check(profile(given))


def test_every_network_has_room_for_all_its_parts() -> None:
    for length in range(16, 25):
        subnets = shape(profile(f"azure.network=10.40.0.0/{length}")).subnets
        parts = [
            ipaddress.IPv4Network(part) for part in (subnets.nodes, subnets.database, subnets.endpoints, subnets.api)
        ]
        assert all(part.prefixlen <= 28 for part in parts)
        assert not any(one.overlaps(other) for one in parts for other in parts if one is not other)


@pytest.mark.parametrize(
    ("name", "wanted"), [("cpu", "cpu"), ("twelveletter", "twelveletter"), ("a", "a"), ("team-a", r"teama[0-9a-f]{4}")]
)
def test_pools_get_names_that_aks_takes(name: str, wanted: str) -> None:
    assert re.fullmatch(wanted, pool_name(name))
    assert re.fullmatch(r"[a-z][a-z0-9]{0,11}", pool_name(name))


def test_pools_whose_names_differ_by_a_dash_stay_apart() -> None:
    found = {pool_name(name) for name in ("team-a", "teama", "a-very-long-pool-name", "a-very-long-pool-names")}
    assert len(found) == 4


def test_names_are_valid_and_the_same_every_time() -> None:
    for installation in ("a", "azure", "an-installation-of-24-le"):
        chosen = profile().model_copy(update={"name": installation})
        made = names(chosen)
        assert made == names(chosen)
        for account in (made.artifacts_account, made.workspaces_account):
            assert re.fullmatch(r"[a-z0-9]{3,24}", account)
        assert re.fullmatch(r"[a-z][a-z0-9-]{1,22}[a-z0-9]", made.vault)
        assert re.fullmatch(r"[a-z0-9]{5,50}", made.registry)
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", made.server)
    other = profile("azure.subscription=11111111-1111-1111-1111-111111111111")
    assert names(other).vault != names(profile()).vault


def test_the_platforms_tags_win_over_the_profiles() -> None:
    chosen = profile("azure.tags.team=ml", "azure.tags.managed-by=me")
    assert tags(chosen) == {"team": "ml", "managed-by": "mlp", "mlp-installation": "azure"}


def test_disks_are_encrypted_with_the_vaults_key_and_closed_to_export() -> None:
    (found,) = storage_classes(profile())
    assert found == {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "mlp-disk"},
        "provisioner": "disk.csi.azure.com",
        "parameters": {
            "skuName": "Premium_LRS",
            "diskEncryptionSetID": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mlp-azure/providers"
            "/Microsoft.Compute/diskEncryptionSets/mlp-azure-disks",
            "networkAccessPolicy": "DenyAll",
            "publicNetworkAccess": "Disabled",
            "tags": "managed-by=mlp,mlp-installation=azure",
        },
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


def test_the_bill_of_the_small_size() -> None:
    found = {(item.group, item.name): item for item in bill(profile())}
    assert found["nodes", "cpu"] == Item(
        "nodes", "cpu", "Standard_D4s_v5", 1, "hour", "workspaces", "1 on average, between 0 and 4"
    )
    assert found["database", "server"] == Item("database", "server", "postgres-Standard_B2s", 1, "hour", "database")
    assert found["storage", "volumes"] == Item(
        "storage", "volumes", "disk-P6", 4, "month", "workspaces", "200 GiB in volumes of 64 GiB"
    )
    assert not [item for item in found.values() if item.group == "cluster"]


def test_the_bill_follows_the_profile() -> None:
    chosen = profile("azure.size=medium", "azure.allowed_cidrs=[203.0.113.0/24]", "azure.zones=1")
    found = {(item.group, item.name): item for item in bill(chosen)}
    assert found["cluster", "control plane"].sku == "aks-standard"
    assert found["nodes", "spot"].sku == "Standard_D8s_v5-spot"
    assert found["nodes", "gpu"].quantity == 0
    assert found["database", "server"].quantity == 2
    assert found["database", "storage"].quantity == 256
    assert found["storage", "artifacts"].sku == "blobs-lrs"
    assert found["network", "addresses"].quantity == 2


def test_every_size_is_made_of_known_keys() -> None:
    for size in ("small", "medium", "large"):
        for zones in (1, 3):
            chosen = profile(f"azure.size={size}", f"azure.zones={zones}", "azure.domain=ml.example.com")
            assert {item.sku for item in bill(chosen)} <= set(SKUS)


@pytest.mark.parametrize(("gib", "tier"), [(30, "P4"), (32, "P4"), (33, "P6"), (128, "P10"), (16000, "P70")])
def test_disks_are_paid_for_by_tier(gib: int, tier: str) -> None:
    assert disk(gib) == f"disk-{tier}"


def test_the_database_password_is_derived_and_takes_azures_rules() -> None:
    first, second = derived("one"), derived("two")
    assert first == derived("one") != second
    assert "one" not in first
    assert re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9_-]{8,128}", first)
    with pytest.raises(ValueError, match="no key"):
        derived("")


def test_the_kubeconfig_asks_for_a_token_in_this_python_and_holds_no_credential() -> None:
    given: dict[str, Any] = {
        "clusters": [{"name": "mlp", "cluster": {"server": "https://api", "certificate-authority-data": "Q0E="}}],
        "users": [{"name": "clusterUser", "user": {"exec": {"command": "kubelogin"}, "token": "secret-token"}}],
    }
    encoded = base64.b64encode(yaml.safe_dump(given).encode()).decode()
    made = yaml.safe_load(for_installer(encoded, "tenant-id", "/usr/bin/python3"))
    assert made["clusters"][0]["cluster"] == given["clusters"][0]["cluster"]
    assert made["users"] == [
        {
            "name": "user",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": "/usr/bin/python3",
                    "args": ["-m", "infra.clouds.azure.token", "--tenant", "tenant-id"],
                    "interactiveMode": "Never",
                    "provideClusterInfo": False,
                }
            },
        }
    ]
    assert "secret-token" not in str(made)


def test_a_kubeconfig_without_a_cluster_is_refused() -> None:
    with pytest.raises(ClusterError, match="without a cluster"):
        for_installer(base64.b64encode(b"clusters: []").decode(), "tenant")


def test_the_address_needs_a_domain_and_an_address() -> None:
    with pytest.raises(ClusterError, match="gives IPv4"):
        address_program(profile("azure.domain=ml.example.com"), "gateway.example.com")
    given = profile()
    assert given.azure
    without = given.model_copy(update={"azure": given.azure.model_copy(update={"domain": None})})
    with pytest.raises(ClusterError, match="names no DNS zone"):
        address_program(without, "10.0.0.4")
