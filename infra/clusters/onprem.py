"""The on-prem cluster: kubeadm over SSH on hosts that are there, as a Pulumi program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.facts import Network
from infra.clusters.local import CONTROL_PLANE_IMAGES, NODE_IMAGES, HostTools, Tool, host_tools
from infra.clusters.outputs import exports
from infra.clusters.resources import ControlPlane, HostImages, Machine, Node
from infra.hosts.kubeadm import API_PORT
from infra.profile.model import Profile
from infra.profile.onprem import Onprem, OnpremHost
from infra.providers.hosts.models import (
    ControlPlaneInputs,
    HostImagesInputs,
    ImageInput,
    MachineInputs,
    NodeInputs,
    OnHost,
    PeerInput,
    SshInput,
    VirtualInput,
)
from infra.supply.kubernetes_images import VIRTUAL_ADDRESS
from infra.supply.model import ImageSet


def ssh_of(onprem: Onprem, host: OnpremHost) -> SshInput:
    """How to reach a host."""
    return SshInput(
        address=host.ssh_address or host.address,
        port=host.ssh_port,
        user=onprem.ssh.user,
        key_file=onprem.ssh.key_file,
        known_hosts=onprem.ssh.known_hosts,
    )


@dataclass(frozen=True)
class OnpremCluster:
    """The Pulumi program of the stack `cluster`. Calling it declares the resources and exports ClusterOutputs."""

    installation: str
    onprem: Onprem
    pods: str
    services: str
    nodes: str
    """Address ranges in CIDR notation."""
    kubernetes_version: str
    registry: str
    tools: HostTools
    images: ImageSet
    """Every image of the installation; those of kubeadm among them."""
    store: Path
    """The blob store's folder."""
    architecture: str
    volumes: tuple[str, ...] = ()
    """Folders on the hosts that hold volumes."""

    def __call__(self) -> None:
        hosts = {host.name: host for host in self.onprem.hosts}
        machines = {name: self._machine(host) for name, host in hosts.items()}
        system = {name: self._system_images(host, machines[name]) for name, host in hosts.items()}
        for name, host in hosts.items():
            self._other_images(host, system[name])
        planes: list[ControlPlane] = []
        for host in self.planes:  # one after the other: etcd takes in one new member at a time
            after = [machines[host.name], system[host.name], *planes[-1:]]
            planes.append(ControlPlane(host.name, self._plane_inputs(host), pulumi.ResourceOptions(depends_on=after)))
        for host in self.onprem.of_role("worker"):
            after = [machines[host.name], system[host.name], *planes]
            Node(host.name, self._node_inputs(host), pulumi.ResourceOptions(depends_on=after))
        names = tuple(host.name for host in (*self.planes, *self.onprem.of_role("worker")))
        outputs = exports(planes[0].kubeconfig, self.api_server, self.kubernetes_version, self.network(), names)
        for key, value in outputs.items():
            pulumi.export(key, value)

    @property
    def planes(self) -> tuple[OnpremHost, ...]:
        """The control planes."""
        return self.onprem.of_role("control-plane")

    @property
    def endpoint(self) -> str:
        """Address at which everybody finds the API server."""
        return self.onprem.virtual_address or self.planes[0].address

    @property
    def api_server(self) -> str:
        """URL of the API server."""
        return f"https://{self.endpoint}:{API_PORT}"

    def network(self) -> Network:
        """What policies must know of the network."""
        return Network(
            pods=self.pods,
            services=self.services,
            nodes=self.nodes,
            api_server_endpoints=tuple(f"{host.address}:{API_PORT}" for host in self.planes),
        )

    def _on(self, host: OnpremHost) -> dict[str, object]:
        return OnHost(installation=self.installation, host=host.name, ssh=ssh_of(self.onprem, host)).model_dump()

    def _peers(self) -> tuple[PeerInput, ...]:
        return tuple(
            PeerInput(name=host.name, address=host.address, ssh=ssh_of(self.onprem, host)) for host in self.planes
        )

    def _machine(self, host: OnpremHost) -> Machine:
        inputs = MachineInputs.model_validate(
            {
                **self._on(host),
                "address": host.address,
                "role": host.role,
                "pods": self.pods,
                "services": self.services,
                "tools": self.tools.files,
                "env": self.tools.env,
                "sandbox_image": self.images["pause"].reference,
                "volumes": self.volumes,
            }
        )
        return Machine(host.name, inputs)

    def _system_names(self, host: OnpremHost) -> tuple[str, ...]:
        if host.role == "worker":
            return NODE_IMAGES
        virtual = (VIRTUAL_ADDRESS,) if self.onprem.virtual_address else ()
        return (*NODE_IMAGES, *CONTROL_PLANE_IMAGES, *virtual)

    def _system_images(self, host: OnpremHost, machine: Machine) -> HostImages:
        return self._images(f"{host.name}-kubernetes", host, self.images.select(self._system_names(host)), machine)

    def _other_images(self, host: OnpremHost, after: HostImages) -> HostImages:
        # After kubeadm's own images, so that kubeadm does not wait for these.
        system = (*NODE_IMAGES, *CONTROL_PLANE_IMAGES, VIRTUAL_ADDRESS)
        others = [image for image in self.images.images if image not in system]
        return self._images(f"{host.name}-platform", host, self.images.select(others), after)

    def _images(self, resource: str, host: OnpremHost, chosen: ImageSet, after: pulumi.Resource) -> HostImages:
        inputs = HostImagesInputs.model_validate(
            {
                **self._on(host),
                "store": str(self.store),
                "architecture": self.architecture,
                "images": tuple(
                    ImageInput(name=each.name, reference=each.reference, digest=each.digest, size=each.manifest.size)
                    for each in sorted(chosen, key=lambda each: each.reference)
                ),
            }
        )
        return HostImages(resource, inputs, pulumi.ResourceOptions(depends_on=[after]))

    def _plane_inputs(self, host: OnpremHost) -> ControlPlaneInputs:
        virtual = None
        if self.onprem.virtual_address is not None:
            virtual = VirtualInput(
                address=self.onprem.virtual_address,
                image=self.images[VIRTUAL_ADDRESS].reference,
                router=self.onprem.virtual_router,
            )
        names = {each.ssh_address for each in self.planes if each.ssh_address}
        return ControlPlaneInputs.model_validate(
            {
                **self._on(host),
                "address": host.address,
                "cgroup_root": "/",
                "cluster_name": f"mlp-{self.installation}",
                "kubernetes_version": self.kubernetes_version,
                "registry": self.registry.rstrip("/"),
                "etcd_tag": _tag(self.images["etcd"].reference),
                "dns_tag": _tag(self.images["coredns"].reference),
                "pods": self.pods,
                "services": self.services,
                "server": self.api_server,
                "api_names": tuple(sorted(names)),
                "tainted": self.onprem.taint_control_plane,
                "upstream_dns": self.onprem.upstream_dns,
                "dns_replicas": 1 if len(self.onprem.hosts) == 1 else 2,
                "control_planes": self._peers(),
                "virtual": virtual,
            }
        )

    def _node_inputs(self, host: OnpremHost) -> NodeInputs:
        return NodeInputs.model_validate(
            {
                **self._on(host),
                "address": host.address,
                "cgroup_root": "/",
                "control_planes": self._peers(),
                "control_plane_address": self.endpoint,
            }
        )


def program(
    profile: Profile, tools: Mapping[str, Tool], images: ImageSet, store: Path, architecture: str
) -> OnpremCluster:
    """The stack `cluster` of a profile with section `onprem`."""
    if profile.onprem is None:
        raise ValueError(f"target {profile.target!r} has no hosts of its own")
    ranges = profile.kubernetes.ranges
    volumes = getattr(profile.components.choice("volumes").settings, "path", None)
    return OnpremCluster(
        installation=profile.name,
        onprem=profile.onprem,
        pods=ranges.pods,
        services=ranges.services,
        nodes=ranges.nodes,
        kubernetes_version=profile.kubernetes.version,
        registry=profile.supply.registry,
        tools=host_tools(tools),
        images=images,
        store=store,
        architecture=architecture,
        volumes=(str(volumes),) if volumes else (),
    )


def _tag(reference: str) -> str:
    return reference.rpartition(":")[2]
