"""The whole set of a workspace's objects, object by object."""

from __future__ import annotations

import copy
import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contract import KubernetesObject
from controlplane.quotas.model import ZERO, Quota
from controlplane.reconcile.compare import content_hash
from controlplane.reconcile.desired import desired_objects
from controlplane.reconcile.objects.namespace import pod_security_version
from tests.unit.reconcile.samples import FACTS, SPEC

STORAGE = {"AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "key"}
LABELS = {
    "app.kubernetes.io/managed-by": "mlp",
    "mlp.io/tenant": "acme",
    "mlp.io/workspace": "research",
    "mlp.io/generation": "3",
}


def objects(**changes: Any) -> dict[str, KubernetesObject]:
    made = desired_objects(replace(SPEC, **changes), FACTS, (), STORAGE)
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in made}


def test_the_set() -> None:
    assert list(objects(internet=True)) == [
        "Namespace/ws-acme--research",
        "ResourceQuota/compute", "ResourceQuota/objects", "ResourceQuota/storage", "ResourceQuota/best-effort",
        "ResourceQuota/cross-namespace-affinity", "ResourceQuota/priority-system", "ResourceQuota/priority-serving",
        "LimitRange/defaults",
        "NetworkPolicy/default-deny", "NetworkPolicy/allow-dns", "NetworkPolicy/allow-same-namespace",
        "NetworkPolicy/allow-from-gateway", "NetworkPolicy/allow-platform-egress", "NetworkPolicy/allow-internet",
        "ServiceAccount/default", "ServiceAccount/workload",
        "RoleBinding/mlp-tenant-admin", "RoleBinding/mlp-tenant-edit", "RoleBinding/mlp-tenant-view",
        "RoleBinding/mlp-workload",
        "Secret/storage",
    ]  # fmt: skip


def test_every_object_says_whose_it_is() -> None:
    for name, obj in objects(internet=True).items():
        meta = obj["metadata"]
        assert meta["labels"].items() >= LABELS.items(), name
        assert meta["annotations"]["mlp.io/spec-hash"] == content_hash(obj)
        assert meta.get("namespace") == (None if obj["kind"] == "Namespace" else SPEC.namespace)


def test_namespace() -> None:
    obj = objects()["Namespace/ws-acme--research"]
    pinned = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", "v1.36"))
    }
    assert obj == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "ws-acme--research",
            "labels": {**pinned, **LABELS},
            "annotations": {"mlp.io/uid": "6f1c", "mlp.io/spec-hash": content_hash(obj)},
        },
    }


@pytest.mark.parametrize(
    ("version", "pinned"), [("v1.36.3", "v1.36"), ("1.31", "v1.31"), ("v1.30.1-eks-1", "v1.30"), ("v1.33+", "v1.33")]
)
def test_pod_security_is_pinned_to_the_minor_version(version: str, pinned: str) -> None:
    assert pod_security_version(version) == pinned


def test_an_unreadable_version_is_refused() -> None:
    with pytest.raises(ValueError, match="not a Kubernetes version"):
        pod_security_version("latest")


def test_quotas() -> None:
    every = objects()
    assert every["ResourceQuota/compute"]["spec"] == {
        "hard": {
            "requests.cpu": "4", "limits.cpu": "4", "requests.memory": "8Gi", "limits.memory": "8Gi",
            "requests.ephemeral-storage": "40Gi", "limits.ephemeral-storage": "40Gi", "pods": "10",
            "requests.nvidia.com/gpu": "1",
        }
    }  # fmt: skip
    assert every["ResourceQuota/storage"]["spec"] == {
        "hard": {
            "requests.storage": "10Gi",
            "persistentvolumeclaims": "50",
            "mlp-local.storageclass.storage.k8s.io/requests.storage": "10Gi",
        }
    }
    counts = every["ResourceQuota/objects"]["spec"]["hard"]
    assert (counts["services.nodeports"], counts["services.loadbalancers"], counts["count/pods"]) == ("0", "0", "90")
    assert every["ResourceQuota/best-effort"]["spec"] == {"hard": {"pods": "0"}, "scopes": ["BestEffort"]}
    system = {"scopeName": "PriorityClass", "operator": "In",
              "values": ["system-cluster-critical", "system-node-critical"]}  # fmt: skip
    assert every["ResourceQuota/priority-system"]["spec"] == {
        "hard": {"pods": "0"},
        "scopeSelector": {"matchExpressions": [system]},
    }
    assert every["ResourceQuota/priority-serving"]["spec"]["hard"] == {"pods": "5"}


def test_gpus_that_were_not_granted_are_zero() -> None:
    hard = objects(quota=Quota(cpu=1, memory=1, storage=1))["ResourceQuota/compute"]["spec"]["hard"]
    assert hard["requests.nvidia.com/gpu"] == "0"


def test_limits() -> None:
    assert objects()["LimitRange/defaults"]["spec"]["limits"] == [
        {
            "type": "Container",
            "default": {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "1Gi"},
            "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "256Mi"},
            "max": {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "4Gi"},
            "maxLimitRequestRatio": {"cpu": "20", "memory": "8"},
            "min": {"cpu": "1m", "memory": "1Mi"},
        },
        {"type": "Pod", "max": {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "4Gi"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}, "min": {"storage": "1Mi"}},
    ]


def test_defaults_fit_into_a_small_quota() -> None:
    container, _, claim = objects(quota=ZERO)["LimitRange/defaults"]["spec"]["limits"]
    assert container["default"]["cpu"] == container["max"]["cpu"] == "0"
    assert "min" not in container
    assert "min" not in claim


def pods(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {"matchLabels": labels},
    }


def test_network_policies() -> None:
    specs = {n.partition("/")[2]: o["spec"] for n, o in objects().items() if n.startswith("NetworkPolicy/")}
    tcp = {"protocol": "TCP"}
    assert specs == {
        "default-deny": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []},
        "allow-dns": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [
                {
                    "to": [pods("kube-system", {"k8s-app": "kube-dns"})],
                    "ports": [{"protocol": "UDP", "port": 53}, {**tcp, "port": 53}],
                }
            ],
        },
        "allow-same-namespace": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}]}],
            "egress": [{"to": [{"podSelector": {}}]}],
        },
        "allow-from-gateway": {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [pods("mlp-gateway", {"app": "gateway"})],
                    "ports": [{**tcp, "port": 8080}, {**tcp, "port": 8888}],
                }
            ],
        },
        "allow-platform-egress": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [
                {"to": [pods("mlp-gateway", {"app": "gateway"})], "ports": [{**tcp, "port": 8443}]},
                {"to": [pods("mlp-storage", {"app": "storage"})], "ports": [{**tcp, "port": 9000}]},
            ],
        },
    }
    assert "mlp-tracking" not in str(specs), "MLflow is reached through the gateway only"


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "203.0.113.7",
     "198.51.100.2", "224.0.0.1"],
)  # fmt: skip
def test_the_internet_holds_no_private_address(address: str) -> None:
    (rule,) = objects(internet=True)["NetworkPolicy/allow-internet"]["spec"]["egress"]
    (peer,) = rule["to"]
    assert peer["ipBlock"]["cidr"] == "0.0.0.0/0"
    closed = [ipaddress.ip_network(text) for text in peer["ipBlock"]["except"]]
    assert any(ipaddress.ip_address(address) in network for network in closed)
    assert not any(ipaddress.ip_address("93.184.216.34") in network for network in closed)


def test_the_internet_over_ipv6() -> None:
    network = FACTS.network.model_copy(update={"pods": "10.244.0.0/16,2001:db8:1::/56"})
    made = desired_objects(replace(SPEC, internet=True), FACTS.model_copy(update={"network": network}))
    policy = next(o for o in made if o["metadata"]["name"] == "allow-internet")
    block = policy["spec"]["egress"][0]["to"][1]["ipBlock"]
    closed = [ipaddress.ip_network(text) for text in block["except"]]
    for address in ("fd00:ec2::254", "fe80::1", "::1", "2001:db8:1::7", "::ffff:169.254.169.254"):
        assert any(ipaddress.ip_address(address) in item for item in closed), address


def test_bindings() -> None:
    every = objects()
    assert every["RoleBinding/mlp-tenant-edit"]["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "mlp-tenant-edit",
    }  # fmt: skip
    assert every["RoleBinding/mlp-tenant-edit"]["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "tenant:acme:member"}
    ]
    assert every["RoleBinding/mlp-workload"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "workload", "namespace": SPEC.namespace}
    ]
    assert every["ServiceAccount/default"]["automountServiceAccountToken"] is False


def test_the_secret_is_immutable() -> None:
    secret = objects()["Secret/storage"]
    assert (secret["type"], secret["immutable"]) == ("Opaque", True)
    assert secret["data"] == {"AWS_ACCESS_KEY_ID": "dXNlcg==", "AWS_SECRET_ACCESS_KEY": "a2V5"}


def test_suspended() -> None:
    every = objects(suspended=True, internet=True)
    assert [name for name in every if name.startswith(("NetworkPolicy/", "RoleBinding/"))] == [
        "NetworkPolicy/default-deny",
        "RoleBinding/mlp-tenant-view",
    ]
    assert every["ResourceQuota/compute"]["spec"]["hard"]["pods"] == "0"
    assert [s["name"] for s in every["RoleBinding/mlp-tenant-view"]["subjects"]] == [
        "tenant:acme:admin", "tenant:acme:member", "tenant:acme:viewer",
    ]  # fmt: skip
    assert "Secret/storage" in every


def extra(kind: str, name: str, namespace: str = SPEC.namespace) -> KubernetesObject:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": {"a": "b"}}}


def test_objects_of_components() -> None:
    made = desired_objects(SPEC, FACTS, [extra("ConfigMap", "notes")])
    assert made[-1]["metadata"]["labels"] == {"a": "b", **LABELS}
    assert "Secret" not in {obj["kind"] for obj in made}, "no object storage, no secret"


@pytest.mark.parametrize("kind", ["NetworkPolicy", "RoleBinding"])
def test_a_suspended_workspace_loses_openings_of_components(kind: str) -> None:
    made = desired_objects(replace(SPEC, suspended=True), FACTS, [extra(kind, "open"), extra("ConfigMap", "notes")])
    assert {"open", "notes"} & {obj["metadata"]["name"] for obj in made} == {"notes"}


def test_objects_outside_of_the_workspace_are_refused() -> None:
    with pytest.raises(ValueError, match="objects of a workspace go into"):
        desired_objects(SPEC, FACTS, [extra("ConfigMap", "notes", "kube-system")])
    with pytest.raises(ValueError, match="wanted twice"):
        desired_objects(SPEC, FACTS, [extra("ResourceQuota", "compute")])


def test_the_same_input_gives_the_same_objects_and_stays_as_it_was() -> None:
    components = [extra("ConfigMap", "notes")]
    before = copy.deepcopy((SPEC, FACTS, components, STORAGE))
    first = desired_objects(SPEC, FACTS, components, STORAGE)
    assert first == desired_objects(SPEC, FACTS, components, STORAGE)
    first[-1]["metadata"]["labels"]["changed"] = "yes"
    assert (SPEC, FACTS, components, STORAGE) == before


@given(
    st.builds(
        Quota,
        cpu=st.integers(0, 10_000_000), memory=st.integers(0, 2**60), storage=st.integers(0, 2**60),
        pods=st.integers(0, 1_000_000),
    ),
    st.booleans(),
)  # fmt: skip
def test_limits_are_ordered_for_every_quota(quota: Quota, suspended: bool) -> None:
    from lightkube.utils.quantity import parse_quantity

    made = desired_objects(replace(SPEC, quota=quota, suspended=suspended), FACTS)
    ranges = next(obj for obj in made if obj["kind"] == "LimitRange")
    container = ranges["spec"]["limits"][0]
    for name, most in container["max"].items():
        rank = [container[part].get(name) for part in ("min", "defaultRequest", "default") if part in container]
        values = [parse_quantity(text) for text in [*rank, most] if text is not None]
        assert values == sorted(values)
