"""Kubernetes objects that several components build alike: labels, namespaces, policies, security contexts. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from components.addresses import GKE_METADATA, NOT_PUBLIC_V4, POD_IDENTITY_AGENT
from components.contract import KubernetesObject
from components.facts import Endpoint, Network
from components.managed import Managed
from components.names import (
    DOMAIN,
    INSTALLER_FIELD_MANAGER,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    LABEL_TENANT,
    component_namespace,
)

LABEL_PART_OF = "app.kubernetes.io/part-of"
ANNOTATION_CONFIG = f"{DOMAIN}/config-hash"
"""On pod templates: the hash of what the pods read at start, so that a change of it rolls them."""

UID = 65532
"""User and group of every container that does not need another one."""

PodSecurityLevel = Literal["restricted", "baseline", "privileged"]
Protocol = Literal["TCP", "UDP"]


def labels(component: str, name: str | None = None) -> dict[str, str]:
    """Labels of every object of a component; `name` tells its workloads apart."""
    return {
        LABEL_NAME: name or component,
        LABEL_PART_OF: "mlp",
        LABEL_MANAGED_BY: INSTALLER_FIELD_MANAGER,
        LABEL_COMPONENT: component,
    }


def selector(component: str, name: str | None = None) -> dict[str, str]:
    """The labels by which services and policies find a workload's pods. Never change them: selectors are immutable."""
    return {LABEL_NAME: name or component, LABEL_COMPONENT: component}


def obj(
    api_version: str,
    kind: str,
    component: str,
    name: str,
    *,
    namespaced: bool = True,
    annotations: Mapping[str, str] | None = None,
    **body: Any,
) -> KubernetesObject:
    """An object of a component, in the component's namespace where `namespaced`."""
    metadata: dict[str, Any] = {"name": name, "labels": labels(component)}
    if namespaced:
        metadata["namespace"] = component_namespace(component)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def namespace(component: str, level: PodSecurityLevel = "restricted") -> KubernetesObject:
    """The component's namespace; pods below `level` are refused and reported."""
    made = obj("v1", "Namespace", component, component_namespace(component), namespaced=False)
    made["metadata"]["labels"] |= {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
    return made


def service_account(component: str, name: str | None = None, managed: Managed | None = None) -> KubernetesObject:
    """An own service account, with its cloud identity where a cloud gives it one. Tokens are mounted only where a pod
    asks for one."""
    own = name or component
    annotations = managed.account_annotations(component_namespace(component), own) if managed else {}
    return obj("v1", "ServiceAccount", component, own, annotations=annotations, automountServiceAccountToken=False)


def cluster_role(
    component: str, name: str, rules: Sequence[Mapping[str, Any]], account: str | None = None
) -> tuple[KubernetesObject, ...]:
    """A ClusterRole `mlp-<name>` and its binding to the component's service account, or another one of it."""
    full = f"mlp-{name}"
    role = obj("rbac.authorization.k8s.io/v1", "ClusterRole", component, full, namespaced=False, rules=list(rules))
    binding = obj(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        component,
        full,
        namespaced=False,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": full},
        subjects=[
            {"kind": "ServiceAccount", "name": account or component, "namespace": component_namespace(component)}
        ],
    )
    return role, binding


def config_map(component: str, name: str, data: Mapping[str, str]) -> KubernetesObject:
    """A ConfigMap. Put `digest(data)` on the pods that read it."""
    return obj("v1", "ConfigMap", component, name, data=dict(data))


def secret(component: str, name: str, data: Mapping[str, str], kind: str = "Opaque") -> KubernetesObject:
    """A Secret from text values."""
    return obj("v1", "Secret", component, name, type=kind, stringData=dict(data))


def digest(*parts: Any) -> str:
    """Sixteen hex digits over canonical JSON. Of secrets only with 256 bits of their own: it is readable in pods."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def pod_security(uid: int = UID, *, volumes: bool = False) -> dict[str, Any]:
    """Pod security context of level restricted. `volumes`: hand mounted volumes to the group."""
    context: dict[str, Any] = {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if volumes:
        context |= {"fsGroup": uid, "fsGroupChangePolicy": "OnRootMismatch"}
    return context


def container_security() -> dict[str, Any]:
    """Container security context of level restricted, on a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def resources(cpu: str, memory: str, memory_limit: str) -> dict[str, Any]:
    """Requests and the memory limit. No CPU limit: idle parts may use what is free, shares decide under load."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit}}


def scratch(name: str, size: str = "64Mi") -> dict[str, Any]:
    """A bounded temporary folder."""
    return {"name": name, "emptyDir": {"sizeLimit": size}}


TMP_MOUNT = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - a folder of the container's own
"""Mount of the `tmp` folder that a read-only root needs beside it."""


def peer(namespace_name: str, pod_labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Pods of one namespace, found by the name that the API server itself puts on it."""
    found: dict[str, Any] = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace_name}}}
    if pod_labels:
        found["podSelector"] = {"matchLabels": dict(pod_labels)}
    return found


WORKSPACES: dict[str, Any] = {
    "namespaceSelector": {"matchExpressions": [{"key": LABEL_TENANT, "operator": "Exists"}]},
}
"""Pods of every workspace; only the control plane can put the tenant's label on a namespace."""


def ports(*numbers: int, protocol: Protocol = "TCP") -> list[dict[str, Any]]:
    """Ports of a NetworkPolicy rule: container ports, since policies are decided after service translation."""
    return [{"port": number, "protocol": protocol} for number in numbers]


def to_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """Egress to exactly the pods (or addresses) and the port behind an endpoint."""
    if endpoint.addresses:
        return {"to": [{"ipBlock": {"cidr": endpoint.addresses}}], "ports": ports(endpoint.port)}
    return {"to": [peer(endpoint.namespace, endpoint.pod_labels)], "ports": ports(endpoint.port)}


def to_dns() -> dict[str, Any]:
    """Egress to the cluster's DNS. One peer item: two would open all of kube-system."""
    return {
        "to": [peer("kube-system", {"k8s-app": "kube-dns"})],
        "ports": [*ports(53, protocol="UDP"), *ports(53)],
    }


def to_api_server(addresses: Iterable[str]) -> list[dict[str, Any]]:
    """Egress to the API server's own addresses (`address:port`, or `range:port` where they change), one rule each."""
    rules = []
    for text in addresses:
        address, _, port = text.rpartition(":")
        length = 128 if ":" in address else 32
        cidr = address if "/" in address else f"{address.strip('[]')}/{length}"
        rules.append({"to": [{"ipBlock": {"cidr": cidr}}], "ports": ports(int(port))})
    return rules


_TOKEN_SERVICES: dict[str, tuple[tuple[str, int], ...]] = {
    "aws": ((POD_IDENTITY_AGENT, 80),),
    "gcp": GKE_METADATA,
    "azure": (),
}
"""Where pods of each cloud get the token of their identity. On Azure, and on AWS with IRSA, tokens are files."""


def to_cloud(managed: Managed, network: Network) -> list[dict[str, Any]]:
    """Egress to the cloud's own services, whose addresses change: HTTPS to all but private and link-local addresses of
    others, and to the cluster's network for private endpoints; and to where pods get their cloud identity."""
    inside = {"ipBlock": {"cidr": network.nodes}}
    outside = {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(NOT_PUBLIC_V4)}}
    services = _TOKEN_SERVICES[managed.cloud.kind]
    tokens = [{"to": [{"ipBlock": {"cidr": cidr}}], "ports": ports(port)} for cidr, port in services]
    return [{"to": [outside, inside], "ports": ports(443)}, *tokens]


def default_deny(component: str) -> KubernetesObject:
    """Nothing in, nothing out, for every pod of the component's namespace; `allow` adds what is needed."""
    return obj(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        component,
        "default-deny",
        spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    )


def allow(
    component: str,
    name: str,
    *,
    ingress: Sequence[Mapping[str, Any]] = (),
    egress: Sequence[Mapping[str, Any]] = (),
    pods: Mapping[str, str] | None = None,
) -> KubernetesObject:
    """What the component's pods (all, or those with these labels) may do beyond `default_deny`."""
    spec: dict[str, Any] = {"podSelector": {"matchLabels": dict(pods)} if pods else {}, "policyTypes": []}
    if ingress:
        spec["policyTypes"].append("Ingress")
        spec["ingress"] = [dict(rule) for rule in ingress]
    if egress:
        spec["policyTypes"].append("Egress")
        spec["egress"] = [dict(rule) for rule in egress]
    return obj("networking.k8s.io/v1", "NetworkPolicy", component, name, spec=spec)


def service(component: str, name: str, port_map: Mapping[str, tuple[int, int]], **spec: Any) -> KubernetesObject:
    """A Service for the component's pods: port name → (service port, container port)."""
    return obj(
        "v1",
        "Service",
        component,
        name,
        spec={
            "selector": selector(component),
            "ports": [
                {"name": key, "port": outside, "targetPort": inside, "protocol": "TCP"}
                for key, (outside, inside) in port_map.items()
            ],
            **spec,
        },
    )


def pod_template(component: str, config: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template; `config` is the digest of what the pods read at start."""
    return {
        "metadata": {"labels": labels(component), "annotations": {ANNOTATION_CONFIG: config}},
        "spec": {
            "serviceAccountName": component,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            **spec,
        },
    }


def deployment(
    component: str, template: Mapping[str, Any], *, replicas: int = 1, recreate: bool = False
) -> KubernetesObject:
    """The component's Deployment. `recreate` where two pods must not run at once."""
    strategy: dict[str, Any] = (
        {"type": "Recreate"} if recreate else {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}
    )
    return obj(
        "apps/v1",
        "Deployment",
        component,
        component,
        spec={
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": 600,
            "strategy": strategy,
            "selector": {"matchLabels": selector(component)},
            "template": dict(template),
        },
    )


def stateful_set(component: str, template: Mapping[str, Any], claim: Mapping[str, Any]) -> KubernetesObject:
    """The component's StatefulSet of one pod with one volume, `data`, which stays when the set is deleted."""
    return obj(
        "apps/v1",
        "StatefulSet",
        component,
        component,
        spec={
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "serviceName": component,
            "selector": {"matchLabels": selector(component)},
            "template": dict(template),
            "volumeClaimTemplates": [
                {"metadata": {"name": "data", "labels": labels(component)}, "spec": dict(claim)},
            ],
        },
    )


def claim(storage_class: str, size: str) -> dict[str, Any]:
    """Spec of a volume claim for one pod. An empty class is the cluster's default one."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    return spec
