"""What a host is, as data. Only the standard library is imported: the processes of a host stay small."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import Any

from infra.hosts.errors import InvalidHost

NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?")
TOOLS = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "kubelet", "kubeadm", "kubectl")
"""Binaries that every host of a cluster needs. CNI plugins come as `cni/<name>`."""


@dataclass(frozen=True)
class Target:
    """An address and port inside the host's network namespace."""

    address: str
    port: int


@dataclass(frozen=True)
class Forward:
    """A TCP port on the machine's loopback that is served from inside the host. The first target that answers wins."""

    name: str
    port: int
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Peer:
    """Another host of the same installation."""

    name: str
    address: str


@dataclass(frozen=True)
class HostSpec:
    """One host of an installation on this machine."""

    installation: str
    name: str
    address: str
    """Inside `nodes`. The peer that comes first carries the switch that joins the hosts."""
    peers: tuple[Peer, ...]
    """Every host of the installation, this one included, in order."""
    nodes: str
    pods: str
    services: str
    tools: dict[str, str] = field(default_factory=dict)
    """Name → absolute path on the machine. Mounted read-only at /opt/mlp/bin/<name>; `cni/<name>` at /opt/cni/bin."""
    folders: tuple[str, ...] = ()
    """Folders of the machine that show read-only at the same path inside, such as a tool's shared libraries."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of services and commands beside PATH: what the tools need. No secrets."""
    files: dict[str, str] = field(default_factory=dict)
    """Path inside the host → text, written at every start. No secrets."""
    forwards: tuple[Forward, ...] = ()
    memory_bytes: int | None = None
    """Limit of everything on the host together; None: the machine's memory."""
    cpus: float | None = None

    @property
    def carries_switch(self) -> bool:
        return bool(self.peers) and self.peers[0].name == self.name

    @property
    def cgroup(self) -> str:
        """Name of the host's control group, below the root of each hierarchy."""
        return f"mlp-{self.installation}-{self.name}"

    def without_forwards(self) -> HostSpec:
        """The part that cannot change while the host runs."""
        return dataclasses.replace(self, forwards=())


def validate(spec: HostSpec) -> None:
    """Raises InvalidHost with the first thing that is wrong."""
    for what, value in (("installation", spec.installation), ("host", spec.name)):
        if not NAME.fullmatch(value):
            raise InvalidHost(f"{what} name {value!r} must be lower-case letters, digits and dashes, a letter first")
    try:
        nodes, pods, services = (ipaddress.IPv4Network(text) for text in (spec.nodes, spec.pods, spec.services))
        addresses = [ipaddress.IPv4Address(peer.address) for peer in spec.peers]
    except ValueError as error:
        given = ", ".join((spec.nodes, spec.pods, spec.services, *(peer.address for peer in spec.peers)))
        raise InvalidHost(f"host {spec.name}: {error} (among {given})") from error
    for first, second in ((nodes, pods), (nodes, services), (pods, services)):
        if first.overlaps(second):
            raise InvalidHost(f"host {spec.name}: the ranges {first} and {second} overlap; choose ranges apart")
    if len({*addresses}) != len(addresses) or any(address not in nodes for address in addresses):
        raise InvalidHost(f"host {spec.name}: every host needs an address of its own in {nodes}")
    if Peer(spec.name, spec.address) not in spec.peers:
        raise InvalidHost(f"host {spec.name} at {spec.address} is not in its own list of peers")
    ports = [forward.port for forward in spec.forwards]
    if len({*ports}) != len(ports) or any(not 0 < f.port < 65536 or not f.targets for f in spec.forwards):
        raise InvalidHost(f"host {spec.name}: each forward needs a port of its own (1 to 65535) and a target")
    for name, path in [*spec.tools.items(), *((path, path) for path in (*spec.files, *spec.folders))]:
        if not path.startswith("/"):
            raise InvalidHost(f"host {spec.name}: {name} needs an absolute path, not {path!r}")


def dump(spec: HostSpec) -> str:
    """JSON with sorted keys: equal specs give equal text."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True, indent=1)


def load(text: str) -> HostSpec:
    """The inverse of `dump`. Raises InvalidHost for anything else."""
    try:
        data = json.loads(text)
        made = {
            "peers": _peers(data["peers"]),
            "forwards": _forwards(data["forwards"]),
            "folders": tuple(data["folders"]),
        }
        return HostSpec(**{**data, **made})
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidHost(f"not the description of a host: {error}") from error


def fingerprint(spec: HostSpec) -> str:
    """Changes when a running host has to be restarted to follow the spec."""
    return hashlib.sha256(dump(spec.without_forwards()).encode()).hexdigest()


def _peers(items: list[Any]) -> tuple[Peer, ...]:
    return tuple(Peer(**item) for item in items)


def _forwards(items: list[Any]) -> tuple[Forward, ...]:
    return tuple(
        Forward(item["name"], int(item["port"]), tuple(Target(t["address"], int(t["port"])) for t in item["targets"]))
        for item in items
    )
