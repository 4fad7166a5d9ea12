"""Attacks 11, 13: Services, endpoints and NetworkPolicies that would open a workspace."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.kube import resources
from controlplane.kube.resources import Resource
from tests.contract.attacks.scene import Scene, in_namespace
from tests.contract.reconcile.world import some_slug

pytestmark = pytest.mark.contract

SERVICE = Resource("v1", "Service", "services")
_PORTS = [{"port": 80, "targetPort": 8080}]
_KUBE_SYSTEM = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}


def service(scene: Scene, name: str, **spec: Any) -> dict[str, Any]:
    return in_namespace("v1", "Service", scene.own.namespace, name, spec={"ports": _PORTS, **spec})


BAD_SERVICES: dict[str, dict[str, Any]] = {
    "NodePort": {"type": "NodePort"},
    "LoadBalancer": {"type": "LoadBalancer"},
    "LoadBalancer of a class": {"type": "LoadBalancer", "loadBalancerClass": "example.com/lb"},
    "LoadBalancer without node ports": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False},
    "ExternalName": {"type": "ExternalName", "externalName": "kubernetes.default.svc.cluster.local"},
    "externalIPs": {"externalIPs": ["198.51.100.7"]},
    "externalIPs of the API server": {"externalIPs": ["10.96.0.1"], "selector": {"app": "mine"}},
}


@pytest.mark.parametrize("attack", BAD_SERVICES)
def test_services_that_reach_outside(scene: Scene, attack: str) -> None:
    scene.refuse_creation(service(scene, some_slug("svc"), **BAD_SERVICES[attack]), rule="services")


@pytest.mark.parametrize("attack", BAD_SERVICES)
def test_turning_a_good_service_into_one(scene: Scene, attack: str) -> None:
    name = some_slug("svc")
    assert scene.actors["member"].create(service(scene, name)).code == 200
    patch = {"spec": BAD_SERVICES[attack]}
    scene.refuse_change(SERVICE, name, patch, namespace=scene.own.namespace, rules=("services",))


def test_endpoints_into_other_namespaces(scene: Scene) -> None:
    subsets = [{"addresses": [{"ip": "10.244.7.7"}], "ports": [{"port": 5432}]}]
    scene.refuse_creation(
        in_namespace("v1", "Endpoints", scene.own.namespace, "theirs", subsets=subsets), rule="endpoints"
    )
    slices = in_namespace(
        "discovery.k8s.io/v1", "EndpointSlice", scene.own.namespace, "theirs", addressType="IPv4",
        endpoints=[{"addresses": ["10.244.7.7"]}], ports=[{"port": 5432}],
    )  # fmt: skip
    scene.refuse_creation(slices, rule="endpoints")


def policy(scene: Scene, **spec: Any) -> dict[str, Any]:
    body = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], **spec}
    return in_namespace("networking.k8s.io/v1", "NetworkPolicy", scene.own.namespace, some_slug("np"), spec=body)


BAD_RULES: dict[str, dict[str, Any]] = {
    "ingress from all": {"ingress": [{}]},
    "ingress from all by port": {"ingress": [{"ports": [{"port": 80}]}]},
    "ingress from every namespace": {"ingress": [{"from": [{"namespaceSelector": {}}]}]},
    "ingress from the other tenant": {
        "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"mlp.io/tenant": "b"}}}]}]
    },
    "ingress, one good and one bad peer": {"ingress": [{"from": [{"podSelector": {}}, _KUBE_SYSTEM]}]},
    "ingress, both selectors": {"ingress": [{"from": [{"podSelector": {}, **_KUBE_SYSTEM}]}]},
    "ingress from an address": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    "egress to all": {"egress": [{}]},
    "egress to the internet": {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
    "egress to IPv6": {"egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}]}]},
    "egress to metadata": {"egress": [{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}]}]},
    "egress in halves": {
        "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/1"}}, {"ipBlock": {"cidr": "128.0.0.0/1"}}]}]
    },
    "egress to kube-system": {"egress": [{"to": [_KUBE_SYSTEM]}]},
    "egress in a second rule": {"egress": [{"to": [{"podSelector": {}}]}, {"to": [{"namespaceSelector": {}}]}]},
}


@pytest.mark.parametrize("attack", BAD_RULES)
def test_network_policies_that_open(scene: Scene, attack: str) -> None:
    scene.refuse_creation(policy(scene, **BAD_RULES[attack]), rule="network-policies")


@pytest.mark.parametrize("attack", BAD_RULES)
def test_opening_a_network_policy_of_ones_own(scene: Scene, attack: str) -> None:
    mine = policy(scene)
    assert scene.actors["member"].create(mine).code == 200
    scene.refuse_change(
        resources.NETWORK_POLICY, mine["metadata"]["name"], {"spec": BAD_RULES[attack]},
        namespace=scene.own.namespace, rules=("network-policies",),
    )  # fmt: skip
