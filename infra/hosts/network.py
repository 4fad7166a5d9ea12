"""A host's network: a network namespace of its own, joined to the others by a switch in a namespace without addresses.

The machine's own namespace gets no interface, route or rule. There is no default route inside. Service and pod
addresses that nobody routes yet end inside the host instead of finding another way out.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.hosts.errors import HostFailed
from infra.hosts.model import HostSpec

INTERFACE = "eth0"
SWITCH = "switch0"


def hardware_address(address: str) -> str:
    """A stable, locally administered address, so that neighbours' caches stay right over restarts."""
    return "02:6d:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(address).packed)


def port_name(address: str) -> str:
    """The switch's end of a host's cable."""
    return f"h{int(ipaddress.IPv4Address(address)) & 0xFFFFFF}"


def switch_commands() -> tuple[str, ...]:
    """`ip` commands for the switch's namespace."""
    return (f"link add {SWITCH} type bridge", f"link set {SWITCH} up")


def host_commands() -> tuple[str, ...]:
    """`ip` commands for a new host namespace, before it is plugged in."""
    return ("link set lo up",)


def plug_commands(spec: HostSpec, switch: str) -> tuple[str, ...]:
    """`ip` commands for the host's namespace; `switch` is the path of the switch's namespace."""
    prefix = ipaddress.IPv4Network(spec.nodes).prefixlen
    cable = f"type veth peer name {port_name(spec.address)} netns {switch}"
    return (
        f"link add {INTERFACE} address {hardware_address(spec.address)} {cable}",
        f"addr add {spec.address}/{prefix} dev {INTERFACE}",
        f"link set {INTERFACE} up",
        f"route replace {spec.services} dev lo src {spec.address}",
        f"route replace blackhole {spec.pods}",
    )


def port_commands(spec: HostSpec) -> tuple[str, ...]:
    """`ip` commands for the switch's namespace once the cable's other end is there."""
    port = port_name(spec.address)
    return (f"link set {port} master {SWITCH}", f"link set {port} up")


SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/bridge/bridge-nf-call-iptables": "1",
    "net/bridge/bridge-nf-call-ip6tables": "1",
}
"""Of the host's own network namespace, relative to /proc/sys. Those that the kernel lacks are left out."""


@dataclass(frozen=True)
class Ip:
    """The `ip` program: the machine's, or the toolchain's with what it needs in its environment."""

    program: str = "ip"
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, namespace: int, commands: Sequence[str]) -> None:
        """Runs commands in the namespace of this descriptor. Raises HostFailed with what `ip` said."""
        done = self._in(namespace, ["-batch", "-"], "\n".join(commands) + "\n")
        if done.returncode != 0:
            raise HostFailed(f"the host's network could not be set up: {done.stderr.strip()}")

    def has_interface(self, namespace: int, name: str) -> bool:
        """Whether an interface is in the namespace of this descriptor."""
        return self._in(namespace, ["link", "show", name], "").returncode == 0

    def _in(self, namespace: int, arguments: Sequence[str], stdin: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nsenter", f"--net=/proc/self/fd/{namespace}", "--", self.program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=(namespace,),
            env={**os.environ, **self.env},
            timeout=20,
        )


def ip_of(spec: HostSpec) -> Ip:
    """The `ip` program that a host's description names."""
    return Ip(spec.tools["ip"], spec.env) if "ip" in spec.tools else Ip()
