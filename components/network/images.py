"""The pod network's image."""

from __future__ import annotations

from components.images import DebianPackages, GoBinary, Image, TextFile
from components.network.settings import NetworkSettings

VERSION = "2.1.0"
NETWORK_IMAGE = "network"

ROUTE_TABLES = "255 local\n254 main\n253 default\n0 unspec\n77 kube-router\n"
"""kube-router adds its own table (77) to this file where it is missing; Debian 13 no longer ships the file in /etc."""


def images(_: NetworkSettings) -> tuple[Image, ...]:
    """kube-router calls iptables, ipset, ip and modprobe."""
    return (
        Image(
            name=NETWORK_IMAGE,
            version=VERSION,
            layers=(
                DebianPackages(("conntrack", "ipset", "iproute2", "iptables", "kmod")),
                GoBinary("kube-router"),
                TextFile("/etc/iproute2/rt_tables", ROUTE_TABLES),
            ),
            entrypoint=("/usr/local/bin/kube-router",),
            user="0:0",
        ),
    )
