"""What a workspace on a cloud reaches: buckets and its own identity, never the node's."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from components.catalog import CATALOG
from components.contract import Workspace
from components.control_plane.images import CONTROL_PLANE_IMAGE
from components.facts import Cloud, Network, PlatformFacts
from components.for_cloud import CloudKind, settings_for_cloud
from components.images import PythonPackages
from components.storage.clouds import egress, environment, pod_labels
from components.storage.rights import AWS_RIGHTS, AZURE_ACTIONS, GCP_PERMISSIONS, aws_actions
from components.storage.workspace import workspace_objects
from tests.unit.controlplane.clouds.samples import AWS, AZURE, GCP, IRSA
from tests.unit.reconcile.samples import FACTS

NETWORK = Network(
    pods="10.40.128.0/17", services="172.20.0.0/16", nodes="10.40.0.0/16", api_server_endpoints=("10.40.1.5:443",)
)
CLOUDS = [AWS, IRSA, GCP, AZURE]
each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=["aws", "irsa", "gcp", "azure"])
NODE_CREDENTIALS = ("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192")


def reaches(rules: list[dict[str, Any]], address: str, port: int) -> bool:
    """As a NetworkPolicy's egress is decided."""
    at = ipaddress.ip_address(address)
    for rule in rules:
        if port not in [each["port"] for each in rule["ports"]]:
            continue
        for block in (peer["ipBlock"] for peer in rule["to"]):
            inside = at in ipaddress.ip_network(block["cidr"])
            if inside and not any(at in ipaddress.ip_network(part) for part in block.get("except", [])):
                return True
    return False


def facts(cloud: Cloud) -> PlatformFacts:
    return FACTS.model_copy(update={"cloud": cloud, "storage": None, "network": NETWORK})


@each_cloud
def test_storage_is_reached_by_https_only(cloud: Cloud) -> None:
    rules = egress(cloud, NETWORK)
    assert reaches(rules, "52.219.1.1", 443)
    assert not reaches(rules, "52.219.1.1", 80)
    assert not reaches(rules, "52.219.1.1", 22)
    assert reaches(rules, "10.40.3.7", 443), "a private endpoint"


@each_cloud
def test_neither_pods_services_nor_the_kubernetes_api_are_reached(cloud: Cloud) -> None:
    rules = egress(cloud, NETWORK)
    for address in ("10.40.128.9", "172.20.0.1", "10.40.1.5", "10.41.0.1", "192.168.1.1", "127.0.0.1"):
        assert not reaches(rules, address, 443)


@each_cloud
def test_credentials_of_nodes_are_never_reached(cloud: Cloud) -> None:
    rules = egress(cloud, NETWORK)
    for address in NODE_CREDENTIALS:
        for port in (80, 443, 988, 32526):
            pods_own = cloud.kind == "gcp" and (address, port) == ("169.254.169.254", 80)
            assert reaches(rules, address, port) is pods_own


def test_each_way_to_an_identity_is_open_where_it_is_used() -> None:
    agent, metadata, login = ("169.254.170.23", 80), ("169.254.169.252", 988), ("20.190.128.5", 443)
    narrow = {"storage_ranges": ("10.40.9.0/24",)}
    opened = {
        cloud.model_dump_json(): [
            reaches(egress(cloud.model_copy(update=narrow), NETWORK), *at) for at in (agent, metadata, login)
        ]
        for cloud in CLOUDS
    }
    assert list(opened.values()) == [[True, False, False], [False] * 3, [False, True, False], [False, False, True]]
    assert reaches(egress(IRSA.model_copy(update=narrow), NETWORK), "10.40.3.7", 443), "STS by its private endpoint"


@each_cloud
def test_known_ranges_of_the_storage_close_the_rest_of_the_internet(cloud: Cloud) -> None:
    rules = egress(cloud.model_copy(update={"storage_ranges": ("52.219.0.0/16",)}), NETWORK)
    assert reaches(rules, "52.219.1.1", 443)
    assert not reaches(rules, "93.184.216.34", 443)


def test_an_api_server_that_may_be_anywhere_among_the_nodes_closes_nothing_else() -> None:
    moving = NETWORK.model_copy(update={"api_server_endpoints": ("10.40.0.0/16:443",)})
    assert reaches(egress(AWS, moving), "10.40.3.7", 443)


@each_cloud
def test_a_workspace_is_told_where_it_is_and_no_secret(cloud: Cloud) -> None:
    config_map, policy = workspace_objects(Workspace("acme", "a", "ws-acme--a"), facts(cloud))
    assert (config_map["kind"], config_map["metadata"]) == ("ConfigMap", {"name": "storage", "namespace": "ws-acme--a"})
    assert config_map["data"] == environment(cloud)
    assert not [name for name in config_map["data"] if "SECRET" in name or "ACCESS_KEY" in name]
    assert policy["kind"] == "NetworkPolicy", "which a suspended workspace loses"
    assert policy["spec"]["policyTypes"] == ["Egress"]


def test_the_sdk_does_not_look_for_the_nodes_role() -> None:
    assert environment(AWS)["AWS_EC2_METADATA_DISABLED"] == "true"


def test_only_azure_wants_a_label_on_pods() -> None:
    assert [pod_labels(facts(cloud)) for cloud in CLOUDS] == [{}, {}, {}, {"azure.workload.identity/use": "true"}]


@pytest.mark.parametrize(("kind", "folder"), [("aws", ""), ("gcp", "/clouds/gcp"), ("azure", "/clouds/azure")])
def test_the_control_planes_image_has_the_sdk_of_its_cloud(kind: CloudKind, folder: str) -> None:
    component = next(each for each in CATALOG if each.name == "control-plane")
    settings = settings_for_cloud(component, component.settings(), kind)
    image = next(image for image in component.images(settings) if image.name == CONTROL_PLANE_IMAGE)
    assert PythonPackages(f"controlplane{folder}/requirements.lock") in image.layers


def test_rights_are_written_out() -> None:
    assert not [a for actions in AWS_RIGHTS.values() for a in actions if "*" in a]
    assert not [a for a in (*GCP_PERMISSIONS, *AZURE_ACTIONS) if "*" in a]
    assert "iam:CreateRole" in aws_actions("iam")
    assert all(a.startswith("s3:") for a in aws_actions("s3"))
