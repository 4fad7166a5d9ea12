"""What kubeadm, kubelet and the API server are configured with, as data. Pure; `yaml_of` makes files of it.

The traps behind single values: percentages in eviction thresholds evict pods on a large, shared disk, so they are
absolute; image garbage collection would delete images that cannot be pulled again, so it is off; without
CAP_SYS_RESOURCE or conntrack modules kube-proxy must not touch conntrack limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from infra.hosts.layout import CONTAINERD_SOCKET, KUBELET_VOLUME_PLUGINS

API_PORT = 6443
PAUSE_TAG = "3.10.2"
"""What kubeadm 1.36 names the sandbox image by, whatever is in it."""
CLUSTER_DNS_INDEX = 10
"""kubeadm gives the DNS service the tenth address of the service range."""

CONFIG_DIR = "/etc/kubernetes/mlp"
AUDIT_POLICY = f"{CONFIG_DIR}/audit-policy.yaml"
ENCRYPTION = f"{CONFIG_DIR}/encryption.yaml"
ADMISSION = f"{CONFIG_DIR}/admission.yaml"
AUTHENTICATION = f"{CONFIG_DIR}/authentication.yaml"
AUDIT_LOG_DIR = "/var/log/kubernetes/audit"

ETCD_HEARTBEAT_MS, ETCD_ELECTION_MS = 300, 3000
"""Of clusters with a virtual address. etcd's own 100 and 1000 ms suit disks and processors of its own; here it shares
them with workloads, and an election for want of a heartbeat costs more than it heals. A lost leader is replaced after
one to two election times, so that the API answers again within the ten seconds that people are promised."""

IGNORED_CHECKS = (
    "FileExisting-conntrack",  # kube-proxy's image has it
    "FileExisting-crictl",  # kubeadm itself speaks to containerd
    "FileExisting-ethtool",
    "FileExisting-iptables",  # kube-proxy's image has nftables
    "FileExisting-socat",
    "FileExisting-tc",
    "NumCPU",
    "Mem",
    "Service-Kubelet",  # our process 1 keeps kubelet running, which no init system knows
    "Swap",  # kubelet is told to tolerate it
    "SystemVerification",  # control groups of version 1; kernels without modules or a readable configuration
)
"""Preflight checks that do not hold on a host of our own, each for its reason. All others must pass."""

Document = dict[str, Any]


@dataclass(frozen=True)
class ClusterSettings:
    """What decides how a cluster is made. It cannot change afterwards, but for the names the API answers to."""

    name: str
    kubernetes_version: str
    """With a leading v."""
    registry: str
    """Prefix of the images, without a trailing slash."""
    etcd_tag: str
    dns_tag: str
    pods: str
    services: str
    api_names: tuple[str, ...] = ()
    """Further names and addresses the API server's certificate is valid for."""
    endpoint: str = ""
    """The virtual address at which every node and client finds the API. Empty: that of the only control plane."""


@dataclass(frozen=True)
class NodeSettings:
    """One node."""

    name: str
    address: str
    cgroup_root: str
    """Below which kubelet puts its pods, such as `/mlp-local-node1`; `/` for a machine of its own."""
    tainted: bool = False
    """Control plane only: keep workloads off."""
    cgroup_driver: str = "cgroupfs"


def _args(pairs: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs.items()]


def _mount(name: str, path: str, read_only: bool) -> Document:
    return {"name": name, "hostPath": path, "mountPath": path, "readOnly": read_only, "pathType": "DirectoryOrCreate"}


def cluster_configuration(settings: ClusterSettings, endpoint: str) -> Document:
    """ClusterConfiguration. `endpoint` is the address of the first control plane, or the virtual one."""
    etcd = {"auto-compaction-retention": "1", "quota-backend-bytes": str(4 * 1024**3)}
    if settings.endpoint:
        etcd |= {"heartbeat-interval": str(ETCD_HEARTBEAT_MS), "election-timeout": str(ETCD_ELECTION_MS)}
    api_server = {
        "admission-control-config-file": ADMISSION,
        "audit-log-maxage": "30",
        "audit-log-maxbackup": "4",
        "audit-log-maxsize": "50",
        "audit-log-path": f"{AUDIT_LOG_DIR}/audit.log",
        "audit-policy-file": AUDIT_POLICY,
        "authentication-config": AUTHENTICATION,
        "encryption-provider-config": ENCRYPTION,
        "event-ttl": "2h0m0s",
        "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "profiling": "false",
        "service-account-extend-token-expiration": "false",
    }
    # A leader that is alone only has something to lose: on a busy machine, the lease and then half a minute.
    election = {} if settings.endpoint else {"leader-elect": "false"}
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": settings.name,
        "kubernetesVersion": settings.kubernetes_version,
        "controlPlaneEndpoint": f"{endpoint}:{API_PORT}",
        "imageRepository": settings.registry,
        "networking": {
            "podSubnet": settings.pods,
            "serviceSubnet": settings.services,
            "dnsDomain": "cluster.local",
        },
        "apiServer": {
            "certSANs": ["127.0.0.1", "localhost", *settings.api_names],
            "extraArgs": _args(api_server),
            "extraVolumes": [
                _mount("mlp", CONFIG_DIR, read_only=True),
                _mount("audit", AUDIT_LOG_DIR, read_only=False),
            ],
        },
        "controllerManager": {
            "extraArgs": _args(
                {
                    "flex-volume-plugin-dir": KUBELET_VOLUME_PLUGINS,
                    "profiling": "false",
                    "terminated-pod-gc-threshold": "500",
                    **election,
                }
            )
        },
        "scheduler": {"extraArgs": _args({"profiling": "false", **election})},
        "etcd": {
            "local": {
                "dataDir": "/var/lib/etcd",
                "imageTag": settings.etcd_tag,
                "extraArgs": _args(etcd),
            }
        },
        "dns": {"imageTag": settings.dns_tag},
    }


def _registration(node: NodeSettings, **more: Any) -> Document:
    return {
        "name": node.name,
        "criSocket": f"unix://{CONTAINERD_SOCKET}",
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": _args({"cgroup-root": node.cgroup_root, "node-ip": node.address}),
        "ignorePreflightErrors": list(IGNORED_CHECKS),
        **more,
    }


def init_configuration(node: NodeSettings) -> Document:
    """InitConfiguration. The token it makes for joining lives a minute: nodes join with tokens of their own."""
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"ttl": "1m0s", "usages": ["signing", "authentication"]}],
        "localAPIEndpoint": _local_api(node),
        "nodeRegistration": _registration(node, taints=_control_plane_taints(node)),
    }


def _local_api(node: NodeSettings) -> Document:
    return {"advertiseAddress": node.address, "bindPort": API_PORT}


def _control_plane_taints(node: NodeSettings) -> list[Document]:
    return [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}] if node.tainted else []


def join_configuration(node: NodeSettings, discovery_file: str) -> Document:
    """JoinConfiguration of a worker. The discovery file holds the CA and a short-lived token."""
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": discovery_file}},
        "nodeRegistration": _registration(node, taints=[]),
    }


def control_plane_join_configuration(node: NodeSettings, discovery_file: str) -> Document:
    """JoinConfiguration of a further control plane. It names no certificate key: what control planes share is on the
    host's disk before."""
    return {
        **join_configuration(node, discovery_file),
        "controlPlane": {"localAPIEndpoint": _local_api(node)},
        "nodeRegistration": _registration(node, taints=_control_plane_taints(node)),
    }


def kubelet_configuration(cgroup_driver: str) -> Document:
    """KubeletConfiguration of every node; what differs between nodes are flags."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}},
        "authorization": {"mode": "Webhook"},
        "readOnlyPort": 0,
        "cgroupDriver": cgroup_driver,
        "failCgroupV1": False,
        "failSwapOn": False,
        "protectKernelDefaults": False,
        "volumePluginDir": KUBELET_VOLUME_PLUGINS,
        "enableDebuggingHandlers": True,
        "rotateCertificates": True,
        "serverTLSBootstrap": True,
        "seccompDefault": True,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1Gi",
            "imagefs.available": "1Gi",
            "nodefs.inodesFree": "1%",
        },
        "evictionPressureTransitionPeriod": "30s",
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "containerLogMaxSize": "10Mi",
        "containerLogMaxFiles": 3,
        "maxPods": 250,
        "shutdownGracePeriod": "0s",
        "serializeImagePulls": False,
    }


def proxy_configuration(pods: str, moving_address: bool = False) -> Document:
    """KubeProxyConfiguration. `moving_address`: node ports answer at whatever address a host has, the virtual one too;
    otherwise at its node's address only."""
    return {
        **({"nodePortAddresses": ["0.0.0.0/0"]} if moving_address else {}),
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": pods,
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def init_documents(settings: ClusterSettings, node: NodeSettings) -> tuple[Document, ...]:
    """What `kubeadm init --config` reads."""
    return (
        init_configuration(node),
        cluster_configuration(settings, settings.endpoint or node.address),
        kubelet_configuration(node.cgroup_driver),
        proxy_configuration(settings.pods, moving_address=bool(settings.endpoint)),
    )


def yaml_of(*documents: Document) -> bytes:
    """One YAML file of several documents."""
    return yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=False).encode()
