"""Nodes on demand: Karpenter's pools, its rights, its pods; and where the component belongs."""

from __future__ import annotations

from typing import Any

import pytest

from components.autoscaling import COMPONENT
from components.autoscaling.settings import AutoscalingSettings
from components.contract import KubernetesObject
from components.for_cloud import CloudKind, belongs
from infra.lifecycle.facts import chosen_components
from infra.lifecycle.supplies import wanted_images
from infra.profile.load import load
from tests.servers.installs import SCALING, install, managed_install


def rendered(settings: AutoscalingSettings | None = None) -> tuple[KubernetesObject, ...]:
    return COMPONENT.objects(settings or AutoscalingSettings(), managed_install("aws")[0])


def one(kind: str, name: str, settings: AutoscalingSettings | None = None) -> dict[str, Any]:
    (found,) = [o for o in rendered(settings) if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize(("kind", "here"), [(None, False), ("aws", True), ("gcp", False), ("azure", False)], ids=str)
def test_it_is_where_nobody_else_scales_pools(kind: CloudKind | None, here: bool) -> None:
    assert belongs("autoscaling", kind) == here


@pytest.mark.parametrize("target", ["local", "existing", "gcp", "azure"])
def test_other_targets_neither_install_nor_build_it(target: str) -> None:
    profile = load(target)
    chosen = chosen_components(profile)
    assert "autoscaling" not in [component.name for component, _ in chosen]
    assert "autoscaling" not in [image.name for image in wanted_images(profile, chosen)]


def test_it_can_be_switched_off() -> None:
    names = [component.name for component, _ in chosen_components(load("aws"))]
    assert "autoscaling" in names
    less = chosen_components(load("aws", ["components.autoscaling.enabled=false"]))
    assert [component.name for component, _ in less] == [name for name in names if name != "autoscaling"]


def test_without_pools_to_scale_it_says_where_it_belongs() -> None:
    with pytest.raises(ValueError, match="needs a cluster whose program leaves scaling to it: target aws"):
        COMPONENT.objects(AutoscalingSettings(), install())


def test_a_pool_of_workspaces_grows_to_its_maximum_and_lets_nobody_move() -> None:
    spec = one("NodePool", "gpu")["spec"]
    assert spec == {
        "weight": 20,
        "limits": {"nodes": "4"},
        "disruption": {
            "consolidateAfter": "10m",
            "consolidationPolicy": "WhenEmpty",
            "budgets": [
                {"nodes": "100%", "reasons": ["Empty"]},
                {"nodes": "0", "reasons": ["Drifted", "Underutilized"]},
            ],
        },
        "template": {
            "metadata": {"labels": {"mlp.io/pool": "gpu", "mlp.io/purpose": "gpu", "mlp.io/gpu-class": "l4"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                "requirements": [
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g6.metal"]},
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
                    {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                    {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                ],
                "taints": [
                    {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
                    {"key": "mlp.io/spot", "value": "true", "effect": "NoSchedule"},
                ],
                "expireAfter": "720h",
            },
        },
    }


def test_the_platforms_own_nodes_are_filled_up_one_at_a_time() -> None:
    spec = one("NodePool", "system", AutoscalingSettings(idle_minutes=5, node_days=7))["spec"]
    assert spec["limits"] == {"nodes": "2", "cpu": "4"}
    assert spec["disruption"] == {
        "consolidateAfter": "5m",
        "consolidationPolicy": "WhenEmptyOrUnderutilized",
        "budgets": [{"nodes": "1"}],
    }
    assert spec["template"]["spec"]["expireAfter"] == "168h"
    assert spec["weight"] < one("NodePool", "gpu")["spec"]["weight"]


def test_machines_are_as_safe_as_those_that_are_always_there() -> None:
    spec = one("EC2NodeClass", "gpu")["spec"]
    assert spec["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpProtocolIPv6": "disabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert [disk["ebs"]["encrypted"] for disk in spec["blockDeviceMappings"]] == [True, True]
    assert spec["blockDeviceMappings"][1]["ebs"]["volumeSize"] == "200Gi"
    assert spec["associatePublicIPAddress"] is False
    assert (spec["instanceProfile"], "role" in spec) == ("mlp-test-scaled-node", False)
    assert spec["subnetSelectorTerms"] == [{"id": subnet} for subnet in SCALING.subnets]
    assert spec["securityGroupSelectorTerms"] == [{"id": "sg-1"}]
    assert spec["tags"] == {"mlp:installation": "test", "Name": "mlp-test-gpu"}


def test_it_reads_no_secret_and_changes_no_workload() -> None:
    rules = [rule for obj in rendered() if obj["kind"] in ("ClusterRole", "Role") for rule in obj["rules"]]
    named = {resource for rule in rules for resource in rule["resources"]}
    assert not named & {"secrets", "configmaps", "serviceaccounts", "*"}
    assert not [rule for rule in rules if "*" in rule["verbs"] or "*" in rule["apiGroups"]]
    changing = {
        (resource, verb)
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in ("get", "list", "watch") and not {*rule["apiGroups"]} & {"karpenter.sh", "karpenter.k8s.aws"}
    }
    assert changing == {
        ("events", "create"),
        ("events", "patch"),
        ("leases", "create"),
        ("leases", "patch"),
        ("leases", "update"),
        ("nodes", "delete"),
        ("nodes", "patch"),
        ("nodes", "update"),
        ("pods", "delete"),
        ("pods/eviction", "create"),
    }


def test_it_runs_on_nodes_that_it_did_not_make() -> None:
    deployment = one("Deployment", "autoscaling")["spec"]
    assert deployment["replicas"] == 2
    pod = deployment["template"]["spec"]
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]}
    environment = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert environment["CLUSTER_NAME"] == "mlp-test"
    assert environment["INTERRUPTION_QUEUE"] == "mlp-test-node-events"
    assert environment["AWS_REGION"] == "eu-central-1"
    assert one("PodDisruptionBudget", "autoscaling")["spec"]["maxUnavailable"] == 1
    alone = rendered(AutoscalingSettings(replicas=1))
    assert "PodDisruptionBudget" not in [obj["kind"] for obj in alone], "or its node could never be drained"


def test_nobody_reaches_it_and_it_reaches_aws() -> None:
    policies = [obj for obj in rendered() if obj["kind"] == "NetworkPolicy"]
    assert [policy["metadata"]["name"] for policy in policies] == ["default-deny", "autoscaling"]
    assert "ingress" not in policies[1]["spec"]
    peers = [peer for rule in policies[1]["spec"]["egress"] for peer in rule["to"]]
    assert {"ipBlock": {"cidr": "169.254.170.23/32"}} in peers, "the agent that gives pods their role"
