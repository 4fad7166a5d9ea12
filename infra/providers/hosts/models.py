"""Inputs and outputs of the four resources. Pulumi's names are camelCase, Python's are not."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
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


class PeerInput(Closed):
    """A host of the installation."""

    name: str
    address: str


class OnHost(Closed):
    """What every resource has: which host of this machine it is about."""

    installation: str
    host: str
    base: str = "/var/lib/mlp"
    """Folder of all installations' hosts on this machine."""


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


class NodeInputs(OnHost):
    """hosts:index:Node."""

    address: str
    cgroup_root: str
    control_plane: str
    """Host of the control plane."""
    control_plane_address: str
