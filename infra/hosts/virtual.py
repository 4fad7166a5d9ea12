"""The virtual address of the API: keepalived (VRRP) on every control plane, as a static pod.

VRRP needs neither the API server nor etcd, so the address moves also while those elect a leader of their own. All hosts
have the same priority, and more of it while their own API server is ready: the address leaves a host whose API server
is not, and does not move back when the host is well again. Where no API server is ready it stays where it is.
Announcements go from host to host, not by multicast, which company networks often drop.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import time
from dataclasses import dataclass
from typing import Any

from infra.hosts.errors import DeadlinePassed, HostError
from infra.hosts.kubeadm import API_PORT, CONFIG_DIR, yaml_of
from infra.hosts.staticpods import path_of, replace_manifest
from infra.hosts.transport import Transport

NAME = "keepalived"
FOLDER = f"{CONFIG_DIR}/virtual"
CONFIGURATION = f"{FOLDER}/keepalived.conf"
CHECK_API = "/usr/local/bin/check-api"
"""In the image."""
PRIORITY, READY_BONUS = 80, 20
CAPABILITIES = ("NET_ADMIN", "NET_BROADCAST", "NET_RAW", "SETGID", "SETUID")
"""To set addresses and speak VRRP; and to run the check as nobody, without which keepalived takes it for passed."""
RELEASE_SECONDS = 20.0


@dataclass(frozen=True)
class VirtualAddress:
    """An address that one of the control planes has."""

    address: str
    image: str
    """Reference of the image with keepalived."""
    router: int | None = None
    """VRRP's number of it, 1 to 255, unlike any other's in the same network; its last octet by default."""

    @property
    def number(self) -> int:
        return self.router or ipaddress.IPv4Address(self.address).packed[-1] or 255


def configuration(virtual: VirtualAddress, host: str, own: str, interface: str, others: tuple[str, ...]) -> str:
    """keepalived's configuration on the host with address `own`; `others` are the other control planes' addresses."""
    peers = [f"        {address}" for address in others]
    return "\n".join(
        [
            "global_defs {",
            f"    router_id {host}",
            "    enable_script_security",
            "    script_user nobody nogroup",
            "    vrrp_garp_master_refresh 30",
            "}",
            "vrrp_script api {",
            f'    script "{CHECK_API} {own} {API_PORT}"',
            "    interval 2",
            "    timeout 4",
            "    fall 2",
            "    rise 2",
            f"    weight {READY_BONUS}",
            "    init_fail",
            "}",
            "vrrp_instance api {",
            "    state BACKUP",
            f"    interface {interface}",
            f"    virtual_router_id {virtual.number}",
            f"    priority {PRIORITY}",
            "    advert_int 1",
            f"    unicast_src_ip {own}",
            *(["    unicast_peer {", *peers, "    }", "    check_unicast_src"] if peers else []),
            "    virtual_ipaddress {",
            f"        {virtual.address}/32 dev {interface}",
            "    }",
            "    track_script {",
            "        api",
            "    }",
            "}",
            "",
        ]
    )


def pod(image: str, configured: str) -> dict[str, Any]:
    """The static pod; another configuration makes it another pod, so that kubelet starts it anew."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": NAME,
            "namespace": "kube-system",
            "labels": {"component": NAME, "tier": "control-plane"},
            "annotations": {"mlp.io/configuration": hashlib.sha256(configured.encode()).hexdigest()},
        },
        "spec": {
            "hostNetwork": True,
            "priorityClassName": "system-node-critical",
            "priority": 2000001000,
            "terminationGracePeriodSeconds": 5,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": NAME,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "args": ["--dont-fork", "--vrrp", "--log-console", "--use-file=/etc/mlp/keepalived.conf"],
                    "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"], "add": list(CAPABILITIES)},
                    },
                    "volumeMounts": [
                        {"name": "configuration", "mountPath": "/etc/mlp", "readOnly": True},
                        {"name": "ca", "mountPath": "/etc/kubernetes/pki/ca.crt", "readOnly": True},
                        {"name": "run", "mountPath": "/run"},
                        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
                    ],
                }
            ],
            "volumes": [
                {"name": "configuration", "hostPath": {"path": FOLDER, "type": "Directory"}},
                {"name": "ca", "hostPath": {"path": "/etc/kubernetes/pki/ca.crt", "type": "File"}},
                {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            ],
        },
    }


def interface_of(listing: str, address: str) -> str | None:
    """The interface that has an address, from `ip -json -4 addr show`."""
    for item in json.loads(listing):
        if any(each.get("local") == address for each in item.get("addr_info", ())):
            return str(item["ifname"])
    return None


def _interface(transport: Transport, address: str) -> str | None:
    return interface_of(transport.run(["ip", "-json", "-4", "addr", "show"]).text, address)


def holds(transport: Transport, address: str) -> bool:
    """Whether the host has the virtual address now."""
    return _interface(transport, address) is not None


def _wanted(transport: Transport, virtual: VirtualAddress, own: str, others: tuple[str, ...]) -> tuple[bytes, bytes]:
    interface = _interface(transport, own)
    if interface is None:
        raise HostError(
            f"host {transport.host} has no interface with its address {own}; the profile must name the address at "
            "which the other hosts reach it"
        )
    text = configuration(virtual, transport.host, own, interface, others)
    return text.encode(), yaml_of(pod(virtual.image, text))


def placed(transport: Transport, virtual: VirtualAddress, own: str, others: tuple[str, ...]) -> bool:
    """Whether the host's files are as they should be."""
    wanted = _wanted(transport, virtual, own, others)
    return (transport.get(CONFIGURATION), transport.get(path_of(NAME))) == wanted


def place(transport: Transport, virtual: VirtualAddress, own: str, others: tuple[str, ...]) -> None:
    """Lets the host take part. `own` is its address, `others` are the other control planes'."""
    configured, manifest = _wanted(transport, virtual, own, others)
    if transport.get(CONFIGURATION) != configured:
        transport.put(CONFIGURATION, configured, 0o644)
    if transport.get(path_of(NAME)) != manifest:
        replace_manifest(transport, NAME, manifest)


def withdraw(transport: Transport, address: str, seconds: float = RELEASE_SECONDS) -> None:
    """Ends the host's part, and waits until it has given the address away. What keepalived leaves behind is removed."""
    transport.run(["rm", "-f", path_of(NAME)])
    deadline = time.monotonic() + seconds
    while (interface := _interface(transport, address)) is not None:
        if time.monotonic() > deadline:
            transport.run(["ip", "addr", "del", f"{address}/32", "dev", interface], check=False)
            if holds(transport, address):
                raise DeadlinePassed(f"host {transport.host} keeps the virtual address {address}")
            return
        time.sleep(0.2)
