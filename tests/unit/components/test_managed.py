"""Components on a cluster whose cloud runs the database, the object storage and the volumes."""

from __future__ import annotations

from typing import Any

import pytest

from components.contract import KubernetesObject
from components.for_cloud import CloudKind
from tests.servers.installs import managed, managed_install

each_cloud = pytest.mark.parametrize("kind", ["aws", "gcp", "azure"])
_WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job"}


def _rendered(kind: CloudKind) -> dict[str, tuple[KubernetesObject, ...]]:
    given, chosen = managed_install(kind)
    return {component.name: component.objects(settings, given) for component, settings in chosen}


def _one(objects: tuple[KubernetesObject, ...], kind: str, name: str) -> dict[str, Any]:
    return next(obj for obj in objects if (obj["kind"], obj["metadata"]["name"]) == (kind, name))


@each_cloud
def test_nothing_runs_that_the_cloud_runs(kind: CloudKind) -> None:
    rendered = _rendered(kind)
    assert "network" not in rendered
    workloads = {
        name: sorted(obj["kind"] for obj in objects if obj["kind"] in _WORKLOADS) for name, objects in rendered.items()
    }
    assert workloads["database"] == ["Job"]
    assert workloads["storage"] == []
    assert workloads["volumes"] == []
    assert [obj["metadata"]["name"] for obj in rendered["volumes"]] == ["mlp-disk"]


@each_cloud
def test_pods_reach_the_database_over_verified_tls_and_hold_no_storage_keys(kind: CloudKind) -> None:
    rendered = _rendered(kind)
    environment = _one(rendered["tracking"], "ConfigMap", "environment")["data"]
    assert environment["MLP_DATABASE"] == "postgresql+psycopg2://tracking@db.example.internal:5432/tracking"
    assert environment["PGSSLMODE"] == managed(kind).database.tls
    assert environment["PGSSLROOTCERT"] == "/etc/mlp/database/ca.crt"
    assert environment["MLP_ARTIFACTS"] == managed(kind).artifacts
    assert not [name for name in environment if "ACCESS_KEY" in name or "ENDPOINT" in name]
    assert "AWS_SECRET_ACCESS_KEY" not in _one(rendered["tracking"], "Secret", "environment")["stringData"]
    assert "root-secret" not in _one(rendered["control-plane"], "Secret", "control-plane-storage")["stringData"]
    control_plane = _one(rendered["control-plane"], "ConfigMap", "control-plane")["data"]
    assert control_plane["PGSSLMODE"] == managed(kind).database.tls
    for name, workload in (("tracking", "tracking"), ("control-plane", "control-plane-worker")):
        spec = _one(rendered[name], "Deployment", workload)["spec"]["template"]["spec"]
        mounts = [mount["name"] for container in spec["containers"] for mount in container["volumeMounts"]]
        assert "database-ca" in mounts
        assert "database-ca" in [volume["name"] for volume in spec["volumes"]]


@each_cloud
def test_cloud_identities_are_on_two_service_accounts_only(kind: CloudKind) -> None:
    accounts = {
        f"{obj['metadata']['namespace']}/{obj['metadata']['name']}": obj["metadata"].get("annotations", {})
        for objects in _rendered(kind).values()
        for obj in objects
        if obj["kind"] == "ServiceAccount"
    }
    assert {name for name, annotations in accounts.items() if annotations} == set(managed(kind).identities)


def test_pods_with_an_identity_on_azure_bear_its_label() -> None:
    rendered = _rendered("azure")
    labelled = [
        obj["metadata"]["name"]
        for objects in rendered.values()
        for obj in objects
        if obj["kind"] == "Deployment"
        and "azure.workload.identity/use" in obj["spec"]["template"]["metadata"]["labels"]
    ]
    assert sorted(labelled) == ["control-plane-watcher", "control-plane-worker", "tracking"]


@each_cloud
def test_egress_to_the_cloud_spares_private_and_link_local_addresses(kind: CloudKind) -> None:
    policies = [obj for obj in _rendered(kind)["tracking"] if obj["kind"] == "NetworkPolicy"]
    blocks = [
        block["ipBlock"]
        for policy in policies
        for rule in policy["spec"].get("egress", [])
        for block in rule["to"]
        if "ipBlock" in block
    ]
    wide = [block for block in blocks if block["cidr"] == "0.0.0.0/0"]
    assert wide
    assert all("168.63.129.16/32" in block["except"] for block in wide)
    assert all("169.254.0.0/16" in block["except"] and "10.0.0.0/8" in block["except"] for block in wide)
    metadata = {block["cidr"] for block in blocks if block["cidr"].startswith("169.254.")}
    assert (
        metadata
        == {
            "aws": {"169.254.170.23/32"},
            "gcp": {"169.254.169.252/32", "169.254.169.254/32"},
            "azure": set(),
        }[kind]
    )


def test_the_gateway_is_a_load_balancer_for_the_allowed_ranges() -> None:
    service = _one(_rendered("aws")["gateway"], "Service", "gateway")
    assert service["metadata"]["annotations"] == {"example.com/internal": "true"}
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["spec"]["loadBalancerSourceRanges"] == ["203.0.113.0/24"]


def test_a_new_password_makes_a_new_job() -> None:
    given, chosen = managed_install("aws")
    component, settings = next(pair for pair in chosen if pair[0].name == "database")

    def job(secrets: dict[str, str]) -> str:
        from dataclasses import replace

        objects = component.objects(settings, replace(given, secrets=secrets))
        return next(str(obj["metadata"]["name"]) for obj in objects if obj["kind"] == "Job")

    before = job(dict(given.secrets))
    assert before == job(dict(given.secrets))
    assert before != job({**given.secrets, "database-tracking-password": "another"})
    assert before == job({**given.secrets, "database-administrator-password": "changed-by-the-cloud"})


def test_managed_components_need_a_cluster_that_brings_them() -> None:
    from dataclasses import replace

    given, chosen = managed_install("aws")
    for component, settings in chosen:
        if component.name in ("database", "volumes"):
            with pytest.raises(ValueError, match="needs a cluster that brings"):
                component.objects(settings, replace(given, managed=None))
