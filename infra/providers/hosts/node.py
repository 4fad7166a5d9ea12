"""hosts:index:Node: a host that belongs to a cluster as a worker."""

from __future__ import annotations

from typing import Any

from infra.hosts import controlplane, node, planes, serving
from infra.hosts.errors import HostError, HostFailed
from infra.hosts.kubeadm import NodeSettings
from infra.hosts.transport import Transport
from infra.providers.hosts.control_plane import node_works
from infra.providers.hosts.models import NodeInputs
from infra.providers.hosts.resource import LIVE, Resource, Say, Teardown, plane_of, teardown, transport_of


def control_plane_of(inputs: NodeInputs) -> Transport:
    """A control plane to ask: the only one, or the first of several that answers. Raises HostFailed where none does."""
    if inputs.control_plane is not None:
        return transport_of(inputs, inputs.control_plane)
    found = planes.living([plane_of(inputs, peer) for peer in inputs.control_planes or ()])
    if found is None:
        names = ", ".join(peer.name for peer in inputs.control_planes or ())
        raise HostFailed(f"none of the control planes {names} answers; start one of their hosts first")
    return found.transport


class Node(Resource[NodeInputs]):
    """A worker. Deleted alone it is drained first; in a teardown its host takes it along."""

    kind = "hosts:index:Node"
    inputs = NodeInputs
    replaces = Resource.replaces | {"address", "controlPlane", "controlPlaneAddress"}
    outputs = ("nodeName", LIVE)

    def create(self, inputs: NodeInputs, say: Say) -> dict[str, Any]:
        master, own = control_plane_of(inputs), transport_of(inputs)
        settings = NodeSettings(inputs.host, inputs.address, inputs.cgroup_root)
        say("kubeadm join")
        node.join(master, inputs.control_plane_address, controlplane.ca_data(master), own, settings)
        say("waiting for the node")
        node.wait_for_node(master, own, inputs.host)
        serving.approve(master, own, inputs.address)
        return {"nodeName": inputs.host, LIVE: True}

    def read(self, inputs: NodeInputs, old: dict[str, Any]) -> dict[str, Any] | None:
        try:
            if not node.joined(transport_of(inputs), inputs.control_plane_address):
                return None
        except HostFailed:
            return {**old, LIVE: False}
        return {"nodeName": inputs.host, LIVE: self.live(inputs)}

    def live(self, inputs: NodeInputs) -> bool:
        try:
            transport_of(inputs).run(["true"])
            return node_works(control_plane_of(inputs), inputs.host)
        except HostError:
            return False

    def partial(self, inputs: NodeInputs) -> bool:
        try:
            return transport_of(inputs).get(node.JOIN_FILE) is not None
        except HostError:
            return False

    def delete(self, inputs: NodeInputs, old: dict[str, Any], say: Say) -> None:
        del old
        if teardown() != Teardown.NO:
            return
        own = transport_of(inputs)
        try:
            master = control_plane_of(inputs)
        except HostFailed:
            return  # no control plane runs: there is nowhere to move anything to, and the disk goes with the host
        try:
            own.run(["true"])
        except HostFailed:
            say("the host does not answer: its pods start elsewhere")
            node.abandon(master, inputs.host)
            return
        say("draining the node")
        node.leave(master, inputs.host)
        node.reset(own)
