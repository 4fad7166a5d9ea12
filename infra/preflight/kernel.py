"""Can this kernel do what a host needs? Each feature is tried in namespaces that vanish with the try."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from infra.preflight.model import Finding

SECONDS = 10

_ISOLATED = ("unshare", "--mount", "--net", "--propagation", "private")
_OVERLAY = (
    "mount -t tmpfs none /mnt && mkdir /mnt/lower /mnt/upper /mnt/work /mnt/merged && "
    "mount -t overlay none -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work /mnt/merged"
)

TRIES: Mapping[str, tuple[str, ...]] = {
    "namespaces": ("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "true"),
    "veth": (*_ISOLATED, "ip", "link", "add", "mlp0", "type", "veth", "peer", "name", "mlp1"),
    "bridge": (*_ISOLATED, "ip", "link", "add", "mlp0", "type", "bridge"),
    "overlay": (*_ISOLATED, "sh", "-c", _OVERLAY),
}
NETFILTER: Mapping[str, tuple[int, int, bytes]] = {
    "nf_tables": (10, 16, b""),
    "ip_set": (6, 1, struct.pack("<HHBxxx", 5, 1, 7)),
}
"""Feature → netlink subsystem, a request that changes nothing, and its attributes (ipset wants a protocol version)."""

NEEDED_FOR: Mapping[str, str] = {
    "namespaces": "hosts have namespaces of their own",
    "veth": "hosts and pods are joined by it",
    "bridge": "hosts and pods are joined by it",
    "overlay": "containers are made of layers",
    "nf_tables": "service addresses and network policies are its rules",
    "ip_set": "network policies name pods by it",
}
MODULES: Mapping[str, str] = {"veth": "veth", "bridge": "bridge", "overlay": "overlay", "ip_set": "ip_set xt_set"}


def findings(problems: Mapping[str, str]) -> list[Finding]:
    """One for each feature. `problems` has what the try said, `` where it worked. Pure."""
    found = []
    for feature, problem in problems.items():
        name = f"kernel {feature}"
        if not problem:
            found.append(Finding(name, True, "works"))
            continue
        module = MODULES.get(feature, feature)
        remedy = (
            "Run on the machine itself or in a privileged container."
            if feature == "namespaces"
            else f"Run: modprobe -a {module}. Without that module use another kernel, or target `existing`."
        )
        found.append(Finding(name, False, f"It does not work ({problem}), but {NEEDED_FOR[feature]}.", remedy))
    return found


def probe() -> dict[str, str]:
    """What each try said, `` where it worked. Needs root."""
    problems = {feature: _try(argv) for feature, argv in TRIES.items()}
    for feature, (subsystem, command, attributes) in NETFILTER.items():
        problems[feature] = _ask_netfilter(subsystem, command, attributes)
    return problems


def _try(argv: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except FileNotFoundError:
        return f"{argv[0]} is not on PATH"
    except (OSError, subprocess.TimeoutExpired) as cause:
        return str(cause)
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"{argv[0]} ended with code {done.returncode}"


def request(subsystem: int, command: int, attributes: bytes) -> bytes:
    """A netlink message to a netfilter subsystem, for IPv4. The kernel loads the subsystem's module if it has one."""
    length = 16 + 4 + len(attributes)
    needs_answer = 0x1 | 0x4
    head = struct.pack("<IHHII", length, subsystem << 8 | command, needs_answer, 1, 0)
    return head + struct.pack(">BBH", socket.AF_INET, 0, 0) + attributes


def error_of(answer: bytes) -> int:
    """The error number in a netlink answer, 0 where it carries none."""
    if len(answer) < 20 or struct.unpack_from("<H", answer, 4)[0] != 2:
        return 0
    (code,) = struct.unpack_from("<i", answer, 16)
    return abs(int(code))


def _ask_netfilter(subsystem: int, command: int, attributes: bytes) -> str:
    try:
        with _netfilter() as channel:
            channel.send(request(subsystem, command, attributes))
            code = error_of(channel.recv(65536))
    except OSError as cause:
        return str(cause)
    return "" if code == 0 else f"the kernel said {errno.errorcode.get(code, code)}"


@contextmanager
def _netfilter() -> Iterator[socket.socket]:
    netfilter = 12
    with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netfilter)) as channel:
        channel.settimeout(SECONDS)
        channel.bind((0, 0))
        yield channel


def not_tried() -> list[Finding]:
    """What to say where there is no right to try."""
    who = os.geteuid()
    return [Finding("kernel", False, f"Its features can't be tried as user {who}.", "Run doctor as root.", "info")]
