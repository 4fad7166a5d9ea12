"""Section `onprem` of a profile: hosts that are there, reached over SSH."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.profile.common import Closed, Slug


class OnpremHost(Closed):
    """One host."""

    name: Slug
    """Its node's name."""
    address: str
    """IPv4 address at which the other hosts reach it."""
    role: Literal["control-plane", "worker"] = "worker"
    ssh_address: str | None = None
    """Where SSH answers, if not at `address`."""
    ssh_port: Annotated[int, Field(ge=1, le=65535)] = 22


class Ssh(Closed):
    """How to reach every host. The host's key must be known already: nothing is trusted on first use."""

    user: str = "root"
    """Anybody but root needs sudo without a password there."""
    key_file: str | None = "~/.ssh/id_ed25519"
    """Private key; null: those of the SSH agent."""
    known_hosts: str = "~/.ssh/known_hosts"


class Onprem(Closed):
    """A kubeadm cluster on hosts of your own."""

    hosts: Annotated[tuple[OnpremHost, ...], Field(min_length=1)]
    virtual_address: str | None = None
    """IPv4 address that moves to a control plane that works; needed with more than one. Immutable."""
    virtual_router: Annotated[int, Field(ge=1, le=255)] | None = None
    """VRRP's number of the virtual address, unlike any other's in the same network; its last octet by default."""
    taint_control_plane: bool = False
    """Keep workloads off the control planes; needs workers."""
    upstream_dns: bool = True
    """Whether pods may ask the hosts' resolvers for names outside the cluster."""
    ssh: Ssh = Ssh()
    public_url: str
    """Where people reach the gateway, such as https://ml.example.com."""

    def of_role(self, role: Literal["control-plane", "worker"]) -> tuple[OnpremHost, ...]:
        """The hosts of a role, in the profile's order."""
        return tuple(host for host in self.hosts if host.role == role)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        addresses = [host.address for host in self.hosts]
        if self.virtual_address is not None:
            addresses.append(self.virtual_address)
        for text in addresses:
            ipaddress.IPv4Address(text)
            if addresses.count(text) > 1:
                raise ValueError(f"address {text} is there twice")
        names = [host.name for host in self.hosts]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"host {name!r} is there twice")
        planes = self.of_role("control-plane")
        if len(planes) not in (1, 3, 5):
            raise ValueError(f"needs 1, 3 or 5 hosts of role control-plane, so that etcd can vote; has {len(planes)}")
        if self.taint_control_plane and len(planes) == len(self.hosts):
            raise ValueError("taint_control_plane needs a host of role worker, or no workload could run")
        if len(planes) > 1 and self.virtual_address is None:
            raise ValueError("several control planes need a virtual_address that moves between them")
        return self
