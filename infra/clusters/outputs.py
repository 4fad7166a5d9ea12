"""What every kind of cluster gives: the same typed values, whoever made it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.facts import Network
from infra.engine.model import Output


class ClusterError(Exception):
    """A cluster cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class ClusterOutputs:
    """A cluster that can be used."""

    kubeconfig: str = field(repr=False)
    """The administrator's, as text, for use from this machine. Secret."""
    api_server: str
    """URL that the kubeconfig leads to."""
    kubernetes_version: str
    """With a leading v."""
    network: Network
    nodes: tuple[str, ...] = ()
    """Names, control plane first; empty where the cluster is not ours."""


KUBECONFIG, API_SERVER, VERSION, NETWORK, NODES = "kubeconfig", "apiServer", "kubernetesVersion", "network", "nodes"
"""Names of the stack's outputs."""


def exports(kubeconfig: Any, api_server: str, version: str, network: Network, nodes: tuple[str, ...]) -> dict[str, Any]:
    """What a cluster's Pulumi program exports; `from_engine` reads it. `kubeconfig` is a secret Output."""
    return {
        KUBECONFIG: kubeconfig,
        API_SERVER: api_server,
        VERSION: version,
        NETWORK: network.model_dump(mode="json"),
        NODES: list(nodes),
    }


def from_engine(outputs: Mapping[str, Output]) -> ClusterOutputs:
    """The cluster of a stack's outputs. Raises ClusterError where its program has not run to its end."""
    missing = [name for name in (KUBECONFIG, API_SERVER, VERSION, NETWORK, NODES) if name not in outputs]
    if missing:
        raise ClusterError(f"stack 'cluster' has no output {missing[0]!r}; run `platform up` to its end")
    return ClusterOutputs(
        kubeconfig=str(outputs[KUBECONFIG].value),
        api_server=str(outputs[API_SERVER].value),
        kubernetes_version=str(outputs[VERSION].value),
        network=Network.model_validate(outputs[NETWORK].value),
        nodes=tuple(str(name) for name in outputs[NODES].value),
    )


def node_address(nodes: str, index: int) -> str:
    """Address of the host with this index (from 1) in the hosts' range. Raises ClusterError where the range ends."""
    network = ipaddress.IPv4Network(nodes)
    if not 0 < index < network.num_addresses - 1:
        raise ClusterError(f"the range {nodes} has no room for host {index}; choose a larger kubernetes.ranges.nodes")
    return str(network.network_address + index)
