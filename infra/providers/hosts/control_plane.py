"""hosts:index:ControlPlane: a control plane of a cluster, by kubeadm."""

from __future__ import annotations

from typing import Any

from infra.hosts import bare, certificates, controlplane, node, planes, serving, virtual
from infra.hosts.certificates import RENEW_DAYS
from infra.hosts.errors import HostError, HostFailed
from infra.hosts.kubeadm import API_PORT, ClusterSettings, NodeSettings
from infra.hosts.planes import Plane, Wanted
from infra.hosts.transport import Transport
from infra.hosts.virtual import VirtualAddress
from infra.providers.hosts.models import ControlPlaneInputs, PeerInput
from infra.providers.hosts.resource import LIVE, Resource, Say, Teardown, plane_of, teardown, transport_of

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
        endpoint=inputs.virtual.address if inputs.virtual else "",
    )


def node_of(inputs: ControlPlaneInputs) -> NodeSettings:
    """The node that the control plane is."""
    driver = "cgroupfs" if inputs.ssh is None else bare.cgroup_driver(transport_of(inputs))
    return NodeSettings(inputs.host, inputs.address, inputs.cgroup_root, inputs.tainted, driver)


def wanted_of(inputs: ControlPlaneInputs) -> Wanted:
    """The control plane that the inputs describe."""
    return Wanted(
        cluster=cluster_of(inputs),
        node=node_of(inputs),
        virtual=VirtualAddress(**inputs.virtual.model_dump()) if inputs.virtual else None,
        upstream_dns=inputs.upstream_dns,
        dns_replicas=inputs.dns_replicas,
        renew_days=inputs.renew_days or RENEW_DAYS,
    )


def own_plane(inputs: ControlPlaneInputs) -> Plane:
    """The control plane itself."""
    return plane_of(inputs, PeerInput(name=inputs.host, address=inputs.address, ssh=inputs.ssh))


def other_planes(inputs: ControlPlaneInputs) -> tuple[Plane, ...]:
    """The other control planes of the same cluster."""
    return tuple(plane_of(inputs, peer) for peer in inputs.control_planes or () if peer.name != inputs.host)


class ControlPlane(Resource[ControlPlaneInputs]):
    """A control plane; the cluster lives on their hosts' disks. What it was made with cannot change (ClusterMismatch).

    All are alike: one that finds no cluster on any of them begins it, and every other joins. A program lets each depend
    on the one before, so that they are made, renewed and taken out one after the other.
    """

    kind = "hosts:index:ControlPlane"
    inputs = ControlPlaneInputs
    replaces = Resource.replaces | {"address"}
    outputs = ("kubeconfig", "caCertificate", "endpoint", LIVE)
    secret = frozenset({"kubeconfig"})

    def create(self, inputs: ControlPlaneInputs, say: Say) -> dict[str, Any]:
        own, others, wanted = own_plane(inputs), other_planes(inputs), wanted_of(inputs)
        transport = own.transport
        made = controlplane.made(transport) is not None
        begin = "kubeadm join or init" if others else "kubeadm init"
        say("waiting for the API server" if made else f"{begin}, then waiting for the API server")
        planes.establish(own, others, wanted)
        say("waiting for the node")
        node.wait_for_node(transport, transport, inputs.host)
        serving.approve(transport, transport, inputs.address)
        node.set_taint(transport, inputs.host, _TAINT, inputs.tainted)
        return {
            "kubeconfig": controlplane.kubeconfig(transport, inputs.server, inputs.cluster_name),
            "caCertificate": controlplane.ca_certificate(transport),
            "endpoint": f"{wanted.cluster.endpoint or inputs.address}:{API_PORT}",
            LIVE: True,
        }

    def read(self, inputs: ControlPlaneInputs, old: dict[str, Any]) -> dict[str, Any] | None:
        try:
            if controlplane.made(own_plane(inputs).transport) is None:
                return {**old, LIVE: False} if self.partial(inputs) else None
        except HostFailed:
            return {**old, LIVE: False}
        return {**old, LIVE: self.live(inputs)}

    def live(self, inputs: ControlPlaneInputs) -> bool:
        own = own_plane(inputs)
        try:
            wanted = wanted_of(inputs)
            if wanted.virtual is not None:
                others = tuple(plane.address for plane in other_planes(inputs))
                if not virtual.placed(own.transport, wanted.virtual, own.address, others):
                    return False
            return (
                planes.ready(own)
                and not certificates.due(own.transport, wanted.renew_days)
                and node_works(own.transport, inputs.host)
            )
        except HostError:
            return False

    def partial(self, inputs: ControlPlaneInputs) -> bool:
        """Of several: what an interrupted join left must be taken out of the cluster, too."""
        try:
            return bool(other_planes(inputs)) and planes.begun(own_plane(inputs).transport)
        except HostError:
            return False

    def delete(self, inputs: ControlPlaneInputs, old: dict[str, Any], say: Say) -> None:
        """Part of a teardown: the host takes it along. Alone: it leaves the cluster; the last one resets its host."""
        del old
        if teardown() != Teardown.NO:
            return
        say("leaving the cluster")
        planes.leave(own_plane(inputs), other_planes(inputs), inputs.virtual.address if inputs.virtual else None)


def node_works(control_plane: Transport, name: str) -> bool:
    """Whether a node is ready but for the pod network, and waits for nobody's approval. Raises HostError."""
    ready = node.blocker(node.conditions(control_plane, name)) is None
    return ready and not serving.has_pending(control_plane, name)
