"""Inputs and outputs of the resources. Pulumi's names are camelCase, Python's are not."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


class Closed(BaseModel):
    """Frozen, no other keys, camelCase outside."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    def properties(self) -> dict[str, Any]:
        """As Pulumi's properties; what is not set is left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


PortNumber = Annotated[int, Field(ge=1, le=65535)]


class TargetInput(Closed):
    """An address and port inside the host."""

    address: str
    port: PortNumber


class ForwardInput(Closed):
    """A port of the machine's loopback that leads to the first target that answers."""

    name: str
    port: PortNumber
    targets: Annotated[tuple[TargetInput, ...], Field(min_length=1)]


class SshInput(Closed):
    """How to reach a bare host. Keys and known hosts are paths of files; nothing here is secret."""

    address: str
    port: PortNumber = 22
    user: str = "root"
    key_file: str | None = None
    known_hosts: str


class PeerInput(Closed):
    """A host of the installation."""

    name: str
    address: str
    ssh: SshInput | None = None
    """Where it is a bare host."""


class OnHost(Closed):
    """What every resource has: which host it is about, one of this machine or, with `ssh`, a bare one."""

    installation: str
    host: str
    base: str = "/var/lib/mlp"
    """Folder of all installations' hosts on this machine."""
    ssh: SshInput | None = None


class HostInputs(OnHost):
    """hosts:index:Host."""

    address: str
    peers: tuple[PeerInput, ...]
    nodes: str
    pods: str
    services: str
    tools: dict[str, str]
    folders: tuple[str, ...] = ()
    env: dict[str, str] = {}
    sandbox_image: str
    forwards: tuple[ForwardInput, ...] = ()
    memory_bytes: int | None = None
    cpus: float | None = None


class MachineInputs(OnHost):
    """hosts:index:Machine."""

    address: str
    role: Literal["control-plane", "worker"]
    pods: str
    services: str
    tools: dict[str, str]
    env: dict[str, str] = {}
    sandbox_image: str
    volumes: tuple[str, ...] = ()
    """Folders on the host that hold volumes; they go when the host does."""

    @model_validator(mode="after")
    def _over_ssh(self) -> Self:
        if self.ssh is None:
            raise ValueError("a Machine is reached over SSH: it needs ssh")
        return self


class ImageInput(Closed):
    """One image of the blob store: `digest` and `size` are its manifest's."""

    name: str
    reference: str
    digest: str
    size: int


class HostImagesInputs(OnHost):
    """hosts:index:HostImages."""

    store: str
    """Folder of the blob store."""
    architecture: str
    images: tuple[ImageInput, ...]


class VirtualInput(Closed):
    """An address that moves to a control plane that works."""

    address: str
    image: str
    """Reference of the image with keepalived."""
    router: Annotated[int, Field(ge=1, le=255)] | None = None
    """VRRP's number of it, unlike any other's in the same network; the address's last octet by default."""


class ControlPlaneInputs(OnHost):
    """hosts:index:ControlPlane."""

    address: str
    cgroup_root: str
    cluster_name: str
    kubernetes_version: str
    registry: str
    """Without a trailing slash."""
    etcd_tag: str
    dns_tag: str
    pods: str
    services: str
    server: str
    """URL of the API server for whoever uses the kubeconfig; its host is 127.0.0.1, localhost or in `api_names`."""
    api_names: tuple[str, ...] = ()
    tainted: bool = False
    upstream_dns: bool = False
    dns_replicas: Annotated[int, Field(ge=1, le=9)] = 1
    control_planes: tuple[PeerInput, ...] | None = None
    """Every control plane of the cluster, this one included, where there are several."""
    virtual: VirtualInput | None = None
    """Where the cluster's API is found, whichever control plane is alive. Cannot change."""
    renew_days: Annotated[int, Field(ge=1, le=300)] | None = None
    """Certificates that end within so many days are renewed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.control_planes is not None:
            if (self.host, self.address) not in {(peer.name, peer.address) for peer in self.control_planes}:
                raise ValueError(f"controlPlanes must name {self.host} at {self.address} itself")
            if len(self.control_planes) > 1 and self.virtual is None:
                raise ValueError("several control planes need a virtual address")
        return self


class NodeInputs(OnHost):
    """hosts:index:Node. The cluster is reached through `control_plane`, or any of `control_planes`."""

    address: str
    cgroup_root: str
    control_plane: str | None = None
    """Host of the only control plane."""
    control_planes: tuple[PeerInput, ...] | None = None
    """Every control plane, where there are several."""
    control_plane_address: str
    """Where the node finds the API server: the only control plane's address, or the virtual one."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if (self.control_plane is None) == (not self.control_planes):
            raise ValueError("needs either controlPlane or controlPlanes")
        return self
