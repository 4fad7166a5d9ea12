"""NetworkPolicies of a workspace: everything is closed, then a few exact paths are opened.

Policies add up, so each opening is one object and taking it away closes it. Protocols are written out and empty
lists are written as such: what the API server would fill in, nobody could tell from an edit.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from components.addresses import NOT_PUBLIC_V4, NOT_PUBLIC_V6
from components.contract import KubernetesObject
from components.facts import Endpoint, PlatformFacts
from components.notebooks.names import SERVER_PORT
from components.serving.names import PORT as SERVING_PORT
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.common import namespaced

GATEWAY_PORTS = (SERVING_PORT, SERVER_PORT)
"""Container ports at which the gateway reaches a workspace's pods: model endpoints and notebook servers.

Numbers, since kube-router puts the numbers behind one name into its sets in another order at every sync: with two of
them, new connections are refused for a moment whenever any pod of the cluster comes or goes.
"""


def network_policies(spec: WorkspaceSpec, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Suspended: only `default-deny` is left."""
    deny = _policy(spec, "default-deny", ingress=[], egress=[])
    if spec.suspended:
        return (deny,)
    policies = [deny, _dns(spec), _same_namespace(spec)]
    if facts.gateway is not None:
        policies.append(_from_gateway(spec, facts.gateway))
    if to := [_egress(endpoint) for endpoint in (facts.gateway, facts.storage) if endpoint is not None]:
        # MLflow is reached through the gateway only, which says who calls; there is no path to it beside that.
        policies.append(_policy(spec, "allow-platform-egress", egress=to))
    if spec.internet:
        policies.append(_policy(spec, "allow-internet", egress=[{"to": _internet(facts)}]))
    return tuple(policies)


def _dns(spec: WorkspaceSpec) -> KubernetesObject:
    # Both selectors in one peer: as two peers they would open all of kube-system.
    dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    return _policy(spec, "allow-dns", egress=[{"to": [dns], "ports": ports}])


def _same_namespace(spec: WorkspaceSpec) -> KubernetesObject:
    everyone: list[dict[str, Any]] = [{"podSelector": {}}]
    return _policy(spec, "allow-same-namespace", ingress=[{"from": everyone}], egress=[{"to": everyone}])


def _from_gateway(spec: WorkspaceSpec, gateway: Endpoint) -> KubernetesObject:
    ports = [{"protocol": "TCP", "port": port} for port in GATEWAY_PORTS]
    return _policy(spec, "allow-from-gateway", ingress=[{"from": [_pods(gateway)], "ports": ports}])


def _egress(endpoint: Endpoint) -> dict[str, Any]:
    return {"to": [_pods(endpoint)], "ports": [{"protocol": "TCP", "port": endpoint.port}]}


def _pods(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": endpoint.namespace}},
        "podSelector": {"matchLabels": dict(endpoint.pod_labels)},
    }


def _internet(facts: PlatformFacts) -> list[dict[str, Any]]:
    network = facts.network
    ours = [ipaddress.ip_network(text.strip(), strict=False)
            for ranges in (network.pods, network.services, network.nodes)
            for text in ranges.split(",") if text.strip()]  # fmt: skip
    ours += [ipaddress.ip_network(_host(endpoint)) for endpoint in network.api_server_endpoints]
    four = [n for n in ours if isinstance(n, ipaddress.IPv4Network)]
    six = [n for n in ours if isinstance(n, ipaddress.IPv6Network)]
    blocks = [{"cidr": "0.0.0.0/0", "except": _except_v4(four)}]
    if six:
        blocks.append({"cidr": "::/0", "except": _except_v6(six)})
    return [{"ipBlock": block} for block in blocks]


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


def _except_v4(ours: list[ipaddress.IPv4Network]) -> list[str]:
    return [str(n) for n in ipaddress.collapse_addresses([*map(ipaddress.IPv4Network, NOT_PUBLIC_V4), *ours])]


def _except_v6(ours: list[ipaddress.IPv6Network]) -> list[str]:
    return [str(n) for n in ipaddress.collapse_addresses([*map(ipaddress.IPv6Network, NOT_PUBLIC_V6), *ours])]


def _policy(
    spec: WorkspaceSpec, name: str, *, ingress: list[Any] | None = None, egress: list[Any] | None = None
) -> KubernetesObject:
    body: dict[str, Any] = {"podSelector": {}, "policyTypes": []}
    for kind, rules in (("ingress", ingress), ("egress", egress)):
        if rules is not None:
            body["policyTypes"].append(kind.capitalize())
            body[kind] = rules
    return namespaced("networking.k8s.io/v1", "NetworkPolicy", spec.namespace, name, spec=body)
