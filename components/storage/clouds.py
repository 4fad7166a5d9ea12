"""What a workspace gets to reach the buckets of a cloud, and how the control plane names what it makes there. Pure.

Its bucket's name comes from the control plane, in the Secret `storage`, wherever the bucket is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from components.addresses import GKE_METADATA, NOT_PUBLIC_V4, POD_IDENTITY_AGENT
from components.contract import KubernetesObject, Workspace
from components.facts import Azure, Cloud, Network, PlatformFacts

ROLE_PATH = "/mlp/tenants/"
"""IAM path of workspaces' roles on AWS: what the control plane may make, and nothing else, is below it."""

CONFIG_MAP = "storage"

_AZURE_LOGIN = ("20.20.32.0/19", "20.190.128.0/18", "20.231.128.0/19", "40.126.0.0/18")
"""Where Entra ID changes a service account's token into one for storage, as Microsoft publishes it."""


def workspace_prefix(installation: str) -> str:
    """How the names of workspaces' buckets, containers, roles and identities begin."""
    return f"mlp-{installation}-ws-"


def pod_labels(facts: PlatformFacts) -> dict[str, str]:
    """Labels without which a workspace's pod gets no cloud identity."""
    return {"azure.workload.identity/use": "true"} if isinstance(facts.cloud, Azure) else {}


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Environment for the cloud's clients, and the way to its buckets. Nothing without a cloud."""
    if facts.cloud is None:
        return ()
    return (
        _object("v1", "ConfigMap", workspace, CONFIG_MAP, data=environment(facts.cloud)),
        _object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            workspace,
            "allow-cloud-storage",
            spec={"podSelector": {}, "policyTypes": ["Egress"], "egress": egress(facts.cloud, facts.network)},
        ),
    )


def environment(cloud: Cloud) -> dict[str, str]:
    """What tells clients where they are. Credentials come by the service account `workload`, never from the node."""
    if cloud.kind == "aws":
        return {
            "AWS_REGION": cloud.region,
            "AWS_DEFAULT_REGION": cloud.region,
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    if cloud.kind == "gcp":
        return {"GOOGLE_CLOUD_PROJECT": cloud.project}
    return {"AZURE_STORAGE_ACCOUNT_NAME": cloud.storage_account, "AZURE_TENANT_ID": cloud.tenant}


def egress(cloud: Cloud, network: Network) -> list[dict[str, Any]]:
    """Rules of a NetworkPolicy: HTTPS to storage, and to what gives a pod its identity. No metadata of the node."""
    if cloud.storage_ranges:
        storage = _blocks(cloud.storage_ranges)
    else:
        ours = (*network.pods.split(","), *network.services.split(","), *network.nodes.split(","))
        storage = [_block("0.0.0.0/0", (*NOT_PUBLIC_V4, *ours, *_api_servers(network))), *_private(network)]
    rules = [_rule(storage, 443)]
    if cloud.kind == "aws" and cloud.identity == "pod-identity":
        rules.append(_rule(_blocks([POD_IDENTITY_AGENT]), 80))
    elif cloud.kind == "aws":
        # STS has a private endpoint among the nodes.
        rules.append(_rule(_private(network), 443))
    elif cloud.kind == "gcp":
        rules += [_rule(_blocks([cidr]), port) for cidr, port in GKE_METADATA]
    else:
        rules.append(_rule(_blocks(_AZURE_LOGIN), 443))
    return rules


def _private(network: Network) -> list[dict[str, Any]]:
    """Private endpoints, which are where nodes are; pods and the Kubernetes API are left out where they lie apart."""
    without = (*network.pods.split(","), *_api_servers(network))
    return [_block(cidr, without) for cidr in map(str.strip, network.nodes.split(",")) if "." in cidr]


def _api_servers(network: Network) -> list[str]:
    hosts = [endpoint.rpartition(":")[0].strip("[]") for endpoint in network.api_server_endpoints]
    return [host if "/" in host else f"{host}/32" for host in hosts if ":" not in host]


def _block(cidr: str, without: Iterable[str]) -> dict[str, Any]:
    whole = ipaddress.IPv4Network(cidr)
    parts = [ipaddress.IPv4Network(text.strip()) for text in without if text.strip() and ":" not in text]
    inside = [part for part in parts if part.subnet_of(whole) and part != whole]
    excepted = [str(part) for part in ipaddress.collapse_addresses(inside)]
    return {"ipBlock": {"cidr": cidr, **({"except": excepted} if excepted else {})}}


def _blocks(cidrs: Iterable[str]) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _rule(to: list[dict[str, Any]], port: int) -> dict[str, Any]:
    return {"to": to, "ports": [{"protocol": "TCP", "port": port}]}


def _object(api_version: str, kind: str, workspace: Workspace, name: str, **content: Any) -> KubernetesObject:
    meta = {"name": name, "namespace": workspace.namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **content}
