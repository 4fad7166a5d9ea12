"""hosts:index:ControlPlane: the first node of a cluster, by kubeadm."""

from __future__ import annotations

import base64
from typing import Any

from infra.hosts import controlplane, node, serving
from infra.hosts.errors import HostError, HostFailed
from infra.hosts.kubeadm import API_PORT, ClusterSettings, NodeSettings
from infra.hosts.transport import Transport
from infra.providers.hosts.models import ControlPlaneInputs
from infra.providers.hosts.resource import LIVE, Resource, Say, Teardown, teardown, transport_of

_TAINT = "node-role.kubernetes.io/control-plane"


def cluster_of(inputs: ControlPlaneInputs) -> ClusterSettings:
    """The cluster that the inputs describe."""
    return ClusterSettings(
        name=inputs.cluster_name,
        kubernetes_version=inputs.kubernetes_version,
        registry=inputs.registry,
        etcd_tag=inputs.etcd_tag,
        dns_tag=inputs.dns_tag,
        pods=inputs.pods,
        services=inputs.services,
        api_names=inputs.api_names,
    )


def node_of(inputs: ControlPlaneInputs) -> NodeSettings:
    """The node that the control plane is."""
    return NodeSettings(inputs.host, inputs.address, inputs.cgroup_root, inputs.tainted)


class ControlPlane(Resource[ControlPlaneInputs]):
    """The cluster lives on its host's disk. What it was made with cannot change (ClusterMismatch says so)."""

    kind = "hosts:index:ControlPlane"
    inputs = ControlPlaneInputs
    replaces = Resource.replaces | {"address"}
    outputs = ("kubeconfig", "caCertificate", "endpoint", LIVE)
    secret = frozenset({"kubeconfig"})

    def create(self, inputs: ControlPlaneInputs, say: Say) -> dict[str, Any]:
        transport = transport_of(inputs)
        made = controlplane.made(transport) is not None
        say("waiting for the API server" if made else "kubeadm init, then waiting for the API server")
        controlplane.init(transport, cluster_of(inputs), node_of(inputs), inputs.upstream_dns, inputs.dns_replicas)
        say("waiting for the node")
        node.wait_for_node(transport, transport, inputs.host)
        serving.approve(transport, transport, inputs.address)
        node.set_taint(transport, inputs.host, _TAINT, inputs.tainted)
        return {
            "kubeconfig": controlplane.kubeconfig(transport, inputs.server, inputs.cluster_name),
            "caCertificate": controlplane.ca_certificate(transport),
            "endpoint": f"{inputs.address}:{API_PORT}",
            LIVE: True,
        }

    def read(self, inputs: ControlPlaneInputs, old: dict[str, Any]) -> dict[str, Any] | None:
        try:
            if controlplane.made(transport_of(inputs)) is None:
                return None
        except HostFailed:
            return {**old, LIVE: False}
        return {**old, LIVE: self.live(inputs)}

    def live(self, inputs: ControlPlaneInputs) -> bool:
        try:
            transport = transport_of(inputs)
            return controlplane.api_healthy(transport) and node_works(transport, inputs.host)
        except HostError:
            return False

    def delete(self, inputs: ControlPlaneInputs, old: dict[str, Any], say: Say) -> None:
        """Part of a teardown: the host takes it along. Alone: the host is reset."""
        del old
        if teardown() != Teardown.NO:
            return
        try:
            say("kubeadm reset")
            controlplane.destroy(transport_of(inputs))
        except HostFailed:
            return  # the host is gone or stopped, and its cluster with it


def node_works(control_plane: Transport, name: str) -> bool:
    """Whether a node is ready but for the pod network, and waits for nobody's approval. Raises HostError."""
    ready = node.blocker(node.conditions(control_plane, name)) is None
    return ready and not serving.has_pending(control_plane, name)


def ca_data(certificate: str) -> str:
    """A CA certificate as kubeconfigs hold it."""
    return base64.b64encode(certificate.encode()).decode()
