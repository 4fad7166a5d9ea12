"""kube-router as a DaemonSet on the nodes' own network: routes between nodes, NetworkPolicy by iptables and ipset."""

from __future__ import annotations

import json
from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.facts import PlatformFacts
from components.network.images import NETWORK_IMAGE
from components.network.settings import NetworkSettings

NAME = "network"
HEALTH_PORT = 20244
CONFLIST = "10-mlp.conflist"
_INSTALL = f"cp /config/conflist /host/cni/.mlp; mv /host/cni/.mlp /host/cni/{CONFLIST}"


def conflist() -> dict[str, Any]:
    """The CNI configuration without addresses: kube-router writes the node's pod range and MTU into the node's copy."""
    return {
        "cniVersion": "0.4.0",
        "name": "mlp",
        "plugins": [
            {
                "type": "bridge",
                "name": "kubernetes",
                "bridge": "kube-bridge",
                "isDefaultGateway": True,
                "hairpinMode": True,
                "ipam": {"type": "host-local"},
            },
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def objects(settings: NetworkSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """The namespace is privileged: the pods work on the nodes' own interfaces, routes and packet filters."""
    config = {"conflist": json.dumps(conflist(), indent=2, sort_keys=True)}
    return (
        k8s.namespace(NAME, "privileged"),
        k8s.service_account(NAME),
        *k8s.cluster_role(
            NAME,
            NAME,
            [
                {
                    "apiGroups": [""],
                    "resources": ["namespaces", "pods", "services", "nodes", "endpoints"],
                    "verbs": ["get", "list", "watch"],
                },
                {
                    "apiGroups": ["networking.k8s.io"],
                    "resources": ["networkpolicies"],
                    "verbs": ["get", "list", "watch"],
                },
                {
                    "apiGroups": ["discovery.k8s.io"],
                    "resources": ["endpointslices"],
                    "verbs": ["get", "list", "watch"],
                },
            ],
        ),
        k8s.default_deny(NAME),
        k8s.config_map(NAME, "cni", config),
        _daemon_set(settings, install, config),
    )


def _arguments(settings: NetworkSettings, facts: PlatformFacts) -> list[str]:
    return [
        "--run-router=true",
        "--run-firewall=true",
        "--run-service-proxy=false",
        "--run-loadbalancer=false",
        "--bgp-graceful-restart=true",
        f"--nodes-full-mesh={str(settings.nodes_full_mesh).lower()}",
        f"--service-cluster-ip-range={facts.network.services}",
        f"--health-port={HEALTH_PORT}",
        "--metrics-port=0",
    ]


def _daemon_set(settings: NetworkSettings, install: Install, config: dict[str, str]) -> KubernetesObject:
    image = install.images[NETWORK_IMAGE]
    arguments = _arguments(settings, install.facts)
    conf_mount = {"name": "cni-conf", "mountPath": "/host/cni"}
    probe = {"httpGet": {"path": "/healthz", "port": HEALTH_PORT, "host": "127.0.0.1"}, "timeoutSeconds": 5}
    spec = {
        "hostNetwork": True,
        "automountServiceAccountToken": True,
        "priorityClassName": "system-node-critical",
        "terminationGracePeriodSeconds": 10,
        "tolerations": [{"operator": "Exists"}],
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [
            {
                "name": "install-configuration",
                "image": image,
                # Written beside and moved: the container runtime reads the folder at any moment.
                "command": [
                    "/bin/sh",
                    "-ec",
                    f"cp /config/conflist /host/cni/.mlp && mv /host/cni/.mlp /host/cni/{CONFLIST}",
                ],
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("10m", "16Mi", "64Mi"),
                "volumeMounts": [{"name": "config", "mountPath": "/config", "readOnly": True}, conf_mount],
            }
        ],
        "containers": [
            {
                "name": "kube-router",
                "image": image,
                "args": arguments,
                "env": [
                    {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "KUBE_ROUTER_CNI_CONF_FILE", "value": f"/host/cni/{CONFLIST}"},
                ],
                # Privileged, not single capabilities: it writes sysctls below /proc/sys, which is read-only otherwise.
                "securityContext": {"privileged": True, "readOnlyRootFilesystem": True},
                "resources": k8s.resources("50m", "64Mi", "384Mi"),
                "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 60},
                "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
                "readinessProbe": {**probe, "periodSeconds": 5},
                "volumeMounts": [
                    conf_mount,
                    {"name": "modules", "mountPath": "/lib/modules", "readOnly": True},
                    {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
                    k8s.TMP_MOUNT,
                ],
            }
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": "cni"}},
            {"name": "cni-conf", "hostPath": {"path": settings.cni_conf_dir, "type": "DirectoryOrCreate"}},
            {"name": "modules", "hostPath": {"path": "/lib/modules"}},
            {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
            k8s.scratch("tmp", "16Mi"),
        ],
    }
    return k8s.obj(
        "apps/v1",
        "DaemonSet",
        NAME,
        NAME,
        spec={
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": k8s.selector(NAME)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": k8s.pod_template(NAME, k8s.digest(config, arguments), spec),
        },
    )
