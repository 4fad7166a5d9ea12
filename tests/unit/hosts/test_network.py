"""The commands that make a host's network."""

from __future__ import annotations

from infra.hosts import network
from infra.hosts.model import HostSpec


def test_the_cable_leads_to_the_switch_and_nothing_leads_out(spec: HostSpec) -> None:
    commands = network.plug_commands(spec, "/proc/7/fd/9")
    assert commands == (
        "link add eth0 address 02:6d:0a:fa:00:02 type veth peer name h16384002 netns /proc/7/fd/9",
        "addr add 10.250.0.2/24 dev eth0",
        "link set eth0 up",
        "route replace 10.96.0.0/16 dev lo src 10.250.0.2",
        "route replace blackhole 10.244.0.0/16",
    )
    assert not any("default" in command for command in commands)


def test_interface_names_fit_the_kernel_and_differ() -> None:
    names = {network.port_name(f"10.250.{third}.{last}") for third in range(4) for last in (1, 2, 254)}
    assert len(names) == 12
    assert all(len(name) <= 15 for name in names)
