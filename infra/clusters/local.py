"""The local cluster: kubeadm on one or more hosts of our own on this machine, as a Pulumi program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pulumi

from components.facts import Network
from components.gateway.names import NODE_PORT
from infra.clusters.outputs import exports, node_address
from infra.clusters.resources import ControlPlane, Host, HostImages, Node
from infra.hosts.kubeadm import API_PORT
from infra.hosts.layout import HOSTS_ROOT
from infra.hosts.model import TOOLS, HostSpec
from infra.providers.hosts.models import (
    ControlPlaneInputs,
    ForwardInput,
    HostImagesInputs,
    HostInputs,
    ImageInput,
    NodeInputs,
    OnHost,
    PeerInput,
    TargetInput,
)
from infra.supply.model import ImageSet

CONTROL_PLANE_IMAGES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE_IMAGES = ("pause", "kube-proxy", "coredns")
"""Images that kubeadm itself needs: on the control plane, and on every node. They come before all others."""

CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")
HOST_TOOLS = (
    "containerd",
    "runc",
    "containernetworking-plugins",
    "kubelet",
    "kubeadm",
    "kubectl",
    "iptables",
    "iproute2",
)
"""What of the toolchain runs on hosts. The network plugin `portmap` calls iptables."""


class Tool(Protocol):
    """A tool of the toolchain."""

    @property
    def path(self) -> Path: ...

    @property
    def env(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class HostTools:
    """What hosts run: name → file, and what the files need to run."""

    files: dict[str, str]
    folders: tuple[str, ...]
    env: dict[str, str]


def host_tools(tools: Mapping[str, Tool]) -> HostTools:
    """The hosts' part of the toolchain. containerd's shim and client and the network plugins lie beside what is named.

    Raises KeyError for a tool of HOST_TOOLS that is not given.
    """
    beside = {
        "containerd": ("containerd-shim-runc-v2", "ctr"),
        "containernetworking-plugins": CNI_PLUGINS,
    }
    files: dict[str, str] = {}
    folders: dict[str, None] = {}
    env: dict[str, list[str]] = {}
    for name in HOST_TOOLS:
        tool = tools[name]
        if name == "containernetworking-plugins":
            files |= {f"cni/{plugin}": str(tool.path.parent / plugin) for plugin in beside[name]}
        else:
            files["ip" if name == "iproute2" else name] = str(tool.path)
            files |= {other: str(tool.path.parent / other) for other in beside.get(name, ())}
        for variable, value in tool.env.items():
            parts = [part for part in value.split(":") if part]
            folders |= dict.fromkeys(parts)
            env.setdefault(variable, []).extend(part for part in parts if part not in env.get(variable, []))
    unknown = set(TOOLS) - set(files)
    if unknown:
        raise KeyError(f"hosts need {', '.join(sorted(unknown))}")
    return HostTools(files, tuple(folders), {variable: ":".join(parts) for variable, parts in env.items()})


@dataclass(frozen=True)
class LocalCluster:
    """The Pulumi program of the stack `cluster`. Calling it declares the resources and exports ClusterOutputs."""

    installation: str
    nodes: int
    tainted: bool
    pods: str
    services: str
    hosts: str
    """Address ranges in CIDR notation."""
    api_port: int
    gateway_port: int
    """On the machine's loopback."""
    kubernetes_version: str
    registry: str
    tools: HostTools
    images: ImageSet
    """Every image of the installation; those of kubeadm among them."""
    store: Path
    """The blob store's folder."""
    architecture: str
    gateway_node_port: int = NODE_PORT
    """Where the gateway's Service answers on every node."""
    base: Path = HOSTS_ROOT

    def __call__(self) -> None:
        names = self.names()
        hosts = {name: self._host(name) for name in names}
        system = {name: self._system_images(name, hosts[name]) for name in names}
        for name in names:
            self._other_images(name, system[name])
        master = ControlPlane(
            names[0],
            self._control_plane_inputs(),
            pulumi.ResourceOptions(depends_on=[hosts[names[0]], system[names[0]]]),
        )
        for name in names[1:]:
            Node(
                name,
                self._node_inputs(name),
                pulumi.ResourceOptions(depends_on=[hosts[name], system[name], master]),
            )
        outputs = exports(master.kubeconfig, self.api_server, self.kubernetes_version, self.network(), names)
        for key, value in outputs.items():
            pulumi.export(key, value)

    def names(self) -> tuple[str, ...]:
        """Names of the hosts, which are also the nodes' names; the first is the control plane."""
        return tuple(f"node{index}" for index in range(1, self.nodes + 1))

    def address(self, name: str) -> str:
        """A host's address."""
        return node_address(self.hosts, int(name.removeprefix("node")))

    @property
    def api_server(self) -> str:
        """URL of the API server on this machine."""
        return f"https://127.0.0.1:{self.api_port}"

    def network(self) -> Network:
        """What policies must know of the network."""
        return Network(
            pods=self.pods,
            services=self.services,
            nodes=self.hosts,
            api_server_endpoints=(f"{self.address('node1')}:{API_PORT}",),
        )

    def _on(self, name: str) -> OnHost:
        return OnHost(installation=self.installation, host=name, base=str(self.base))

    def _cgroup(self, name: str) -> str:
        addresses = ((name, self.address(name)),)
        spec = HostSpec(self.installation, name, addresses[0][1], (), self.hosts, self.pods, self.services)
        return f"/{spec.cgroup}"

    def _host(self, name: str) -> Host:
        # Only the first host and itself: a host that knew all others would restart whenever one is added.
        known = dict.fromkeys(("node1", name))
        inputs = HostInputs(
            **self._on(name).model_dump(),
            address=self.address(name),
            peers=tuple(PeerInput(name=peer, address=self.address(peer)) for peer in known),
            nodes=self.hosts,
            pods=self.pods,
            services=self.services,
            tools=self.tools.files,
            folders=self.tools.folders,
            env=self.tools.env,
            sandbox_image=self.images["pause"].reference,
            forwards=self.forwards() if name == "node1" else (),
        )
        return Host(name, inputs)

    def forwards(self) -> tuple[ForwardInput, ...]:
        """Ports of the machine that lead into the cluster, all through the first host."""
        gateway = tuple(TargetInput(address=self.address(name), port=self.gateway_node_port) for name in self.names())
        api = TargetInput(address=self.address("node1"), port=API_PORT)
        return (
            ForwardInput(name="api", port=self.api_port, targets=(api,)),
            ForwardInput(name="gateway", port=self.gateway_port, targets=gateway),
        )

    def _system_images(self, name: str, host: Host) -> HostImages:
        wanted = NODE_IMAGES if name != "node1" else (*NODE_IMAGES, *CONTROL_PLANE_IMAGES)
        return self._images(f"{name}-kubernetes", name, self.images.select(wanted), host)

    def _other_images(self, name: str, after: HostImages) -> HostImages:
        # After kubeadm's own images, so that kubeadm does not wait for these.
        system = (*NODE_IMAGES, *CONTROL_PLANE_IMAGES)
        others = [image for image in self.images.images if image not in system]
        return self._images(f"{name}-platform", name, self.images.select(others), after)

    def _images(self, resource: str, name: str, chosen: ImageSet, after: pulumi.Resource) -> HostImages:
        inputs = HostImagesInputs(
            **self._on(name).model_dump(),
            store=str(self.store),
            architecture=self.architecture,
            images=tuple(
                ImageInput(name=image.name, reference=image.reference, digest=image.digest, size=image.manifest.size)
                for image in sorted(chosen, key=lambda image: image.reference)
            ),
        )
        return HostImages(resource, inputs, pulumi.ResourceOptions(depends_on=[after]))

    def _control_plane_inputs(self) -> ControlPlaneInputs:
        return ControlPlaneInputs(
            **self._on("node1").model_dump(),
            address=self.address("node1"),
            cgroup_root=self._cgroup("node1"),
            cluster_name=f"mlp-{self.installation}",
            kubernetes_version=self.kubernetes_version,
            registry=self.registry.rstrip("/"),
            etcd_tag=_tag(self.images["etcd"].reference),
            dns_tag=_tag(self.images["coredns"].reference),
            pods=self.pods,
            services=self.services,
            server=self.api_server,
            tainted=self.tainted,
            dns_replicas=1 if self.nodes == 1 else 2,
        )

    def _node_inputs(self, name: str) -> NodeInputs:
        return NodeInputs(
            **self._on(name).model_dump(),
            address=self.address(name),
            cgroup_root=self._cgroup(name),
            control_plane="node1",
            control_plane_address=self.address("node1"),
        )


def _tag(reference: str) -> str:
    return reference.rpartition(":")[2]
