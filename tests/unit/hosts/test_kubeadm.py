"""The configuration of clusters and of the API server's files."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

import pytest
import yaml

from infra.hosts import apiserver, containerd, controlplane, kubeadm
from infra.hosts.kubeadm import ClusterSettings, NodeSettings

CLUSTER = ClusterSettings(
    name="mlp-trial",
    kubernetes_version="v1.36.3",
    registry="registry.mlp.internal",
    etcd_tag="3.6.16-0",
    dns_tag="v1.15.0",
    pods="10.244.0.0/16",
    services="10.96.0.0/16",
    api_names=("cluster.example.com",),
)
NODE = NodeSettings("node1", "10.250.0.1", "/mlp-trial-node1")


def _documents() -> dict[str, dict[str, Any]]:
    text = kubeadm.yaml_of(*kubeadm.init_documents(CLUSTER, NODE))
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def _args(part: dict[str, Any], key: str = "extraArgs") -> dict[str, str]:
    return {item["name"]: item["value"] for item in part[key]}


def test_images_come_from_our_prefix_under_the_tags_that_were_built() -> None:
    cluster = _documents()["ClusterConfiguration"]
    assert cluster["imageRepository"] == "registry.mlp.internal"
    assert cluster["etcd"]["local"]["imageTag"] == "3.6.16-0"
    assert cluster["dns"]["imageTag"] == "v1.15.0"
    assert cluster["kubernetesVersion"] == "v1.36.3"


def test_the_api_server_answers_to_its_forwarded_names() -> None:
    names = _documents()["ClusterConfiguration"]["apiServer"]["certSANs"]
    assert names == ["127.0.0.1", "localhost", "cluster.example.com"]


def test_the_api_server_reads_only_files_that_are_mounted_into_it() -> None:
    server = _documents()["ClusterConfiguration"]["apiServer"]
    mounted = [volume["mountPath"] for volume in server["extraVolumes"]]
    files = [value for value in _args(server).values() if value.startswith("/")]
    assert len(files) == 6
    # kubeadm itself mounts the folder of the cluster's certificates.
    known = [*mounted, "/etc/kubernetes/pki"]
    assert all(any(file.startswith(f"{folder}/") for folder in known) for file in files)


def test_nobody_is_anonymous_beyond_health_and_nothing_is_profiled() -> None:
    documents = _documents()
    assert documents["KubeletConfiguration"]["authentication"]["anonymous"] == {"enabled": False}
    assert documents["KubeletConfiguration"]["authorization"] == {"mode": "Webhook"}
    assert documents["KubeletConfiguration"]["readOnlyPort"] == 0
    for part in ("apiServer", "controllerManager", "scheduler"):
        assert _args(documents["ClusterConfiguration"][part])["profiling"] == "false"
    conditions = apiserver.authentication()["anonymous"]["conditions"]
    assert {condition["path"] for condition in conditions} == {"/livez", "/readyz", "/healthz"}


def test_a_large_shared_disk_evicts_nobody_and_loses_no_image() -> None:
    kubelet = _documents()["KubeletConfiguration"]
    thresholds = kubelet["evictionHard"]
    assert not any(
        thresholds[name].endswith("%") for name in ("memory.available", "nodefs.available", "imagefs.available")
    )
    assert kubelet["imageGCHighThresholdPercent"] == 100


def test_a_tainted_control_plane_keeps_workloads_off() -> None:
    assert kubeadm.init_configuration(NODE)["nodeRegistration"]["taints"] == []
    tainted = kubeadm.init_configuration(dataclasses.replace(NODE, tainted=True))["nodeRegistration"]["taints"]
    assert tainted == [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]


def test_each_node_has_its_own_address_and_control_group() -> None:
    worker = NodeSettings("node2", "10.250.0.2", "/mlp-trial-node2")
    registration = kubeadm.join_configuration(worker, "/etc/kubernetes/mlp/discovery.conf")["nodeRegistration"]
    assert registration["name"] == "node2"
    assert _args(registration, "kubeletExtraArgs") == {"cgroup-root": "/mlp-trial-node2", "node-ip": "10.250.0.2"}


def test_no_preflight_error_is_ignored_wholesale() -> None:
    assert "all" not in [name.lower() for name in kubeadm.IGNORED_CHECKS]


def _level(user: str, verb: str, group: str, resource: str) -> str:
    """The level of the first rule that matches, as the API server decides it."""
    for rule in apiserver.audit_policy()["rules"]:
        groups = rule.get("resources")
        if "users" in rule and user not in rule["users"]:
            continue
        if "verbs" in rule and verb not in rule["verbs"]:
            continue
        if "nonResourceURLs" in rule:
            continue
        if groups and not any(
            item["group"] == group and (not item.get("resources") or resource in item["resources"]) for item in groups
        ):
            continue
        return str(rule["level"])
    raise AssertionError("no rule matches")


@pytest.mark.parametrize(
    ("verb", "group", "resource", "level"),
    [
        ("patch", "rbac.authorization.k8s.io", "rolebindings", "RequestResponse"),
        ("delete", "networking.k8s.io", "networkpolicies", "RequestResponse"),
        ("update", "", "resourcequotas", "RequestResponse"),
        ("create", "", "namespaces", "RequestResponse"),
        ("create", "", "secrets", "Metadata"),
        ("get", "", "secrets", "Metadata"),
        ("update", "", "configmaps", "Metadata"),
        ("create", "", "serviceaccounts/token", "Metadata"),
        ("create", "", "pods", "Metadata"),
        ("create", "apps", "deployments", "Metadata"),
        ("list", "", "pods", "None"),
        ("create", "", "events", "None"),
        ("create", "authorization.k8s.io", "subjectaccessreviews", "None"),
    ],
)
def test_the_audit_log_has_bodies_of_what_decides_and_none_of_secrets(
    verb: str, group: str, resource: str, level: str
) -> None:
    assert _level("user:eve", verb, group, resource) == level


def test_components_reads_are_left_out_and_their_writes_are_not() -> None:
    assert _level("system:kube-scheduler", "list", "", "secrets") == "None"
    assert _level("system:kube-controller-manager", "delete", "", "secrets") == "Metadata"


def test_secrets_are_encrypted_and_older_ones_stay_readable() -> None:
    providers = apiserver.encryption(bytes(32))["resources"][0]["providers"]
    assert list(providers[0]) == ["secretbox"]
    assert providers[-1] == {"identity": {}}
    with pytest.raises(ValueError, match="32 bytes"):
        apiserver.encryption(bytes(16))


def test_names_outside_are_asked_upstream_only_where_wanted() -> None:
    alone, open_ = controlplane.corefile(upstream=False), controlplane.corefile(upstream=True)
    assert "forward" not in alone
    assert "rcode NXDOMAIN" in alone
    assert "forward . /etc/resolv.conf" in open_
    assert "template" not in open_
    assert alone.count("{") == alone.count("}")
    assert alone.split(".:53 {")[0] == open_.split(".:53 {")[0]


def test_a_cluster_is_another_one_when_its_ranges_differ_but_not_when_its_images_do() -> None:
    made = controlplane.fixed(CLUSTER)
    same = dataclasses.replace(CLUSTER, api_names=(), dns_tag="v9", etcd_tag="9")
    assert controlplane.mismatch(made, same) is None
    other = dataclasses.replace(CLUSTER, pods="10.245.0.0/16")
    assert controlplane.mismatch(made, other) == "pods: 10.244.0.0/16 → 10.245.0.0/16"


def test_containerd_s_configuration_is_valid_and_escapes_its_values() -> None:
    text = containerd.configuration('r/pause:1"x', restrict_oom_score=True)
    cri = tomllib.loads(text)["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == 'r/pause:1"x'
    assert cri["restrict_oom_score_adj"] is True
    assert cri["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is False
    assert cri["cni"] == {"bin_dir": "/opt/cni/bin", "conf_dir": "/etc/cni/net.d"}
