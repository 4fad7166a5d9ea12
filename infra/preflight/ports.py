"""Are the loopback ports free, and if not, whose are they? Ports of this installation's own hosts are fine."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.preflight.model import Finding

_LISTEN = "0A"


@dataclass(frozen=True)
class Holder:
    """A process that listens. `groups` are the paths of its control groups."""

    pid: int
    name: str
    groups: tuple[str, ...] = ()

    def belongs_to(self, installation: str) -> bool:
        """Whether it runs in the control group of one of the installation's hosts."""
        return any(re.search(rf"(?:^|/)mlp-{re.escape(installation)}-[^/]+(?:/|$)", path) for path in self.groups)

    @property
    def installation_host(self) -> str | None:
        """The control group's name where it is a host of any installation."""
        found = (re.search(r"(?:^|/)(mlp-[^/]+)", path) for path in self.groups)
        return next((match.group(1) for match in found if match), None)


@dataclass(frozen=True)
class Busy:
    """Why a port can't be had."""

    reason: str
    holder: Holder | None = None


def findings(ports: Mapping[str, int], busy: Mapping[int, Busy], installation: str) -> list[Finding]:
    """One for each port. Pure."""
    found = []
    for name, port in ports.items():
        check = f"port {port}"
        taken = busy.get(port)
        if taken is None:
            found.append(Finding(check, True, f"free for {name}"))
        elif taken.holder is not None and taken.holder.belongs_to(installation):
            found.append(Finding(check, True, f"{name} of this installation listens there"))
        elif taken.holder is not None:
            host = taken.holder.installation_host
            whose = f", host {host} of another installation" if host else ""
            found.append(
                Finding(
                    check,
                    False,
                    f"Port {port} ({name}) is taken by {taken.holder.name} (process {taken.holder.pid}{whose}).",
                    f"End that process, or choose another port in the profile (local.ports.{name}).",
                )
            )
        else:
            found.append(
                Finding(
                    check,
                    False,
                    f"Port {port} ({name}) can't be used: {taken.reason}.",
                    f"Choose another port in the profile (local.ports.{name}).",
                )
            )
    return found


def duplicates(ports: Mapping[str, int]) -> list[Finding]:
    """Ports that were given twice. Pure."""
    return [
        Finding(
            f"port {port}",
            False,
            f"Port {port} is wanted by {' and '.join(sorted(names))}.",
            "Give each a port of its own in the profile (local.ports).",
        )
        for port in sorted(set(ports.values()))
        if len(names := [name for name, wanted in ports.items() if wanted == port]) > 1
    ]


def listening_inodes(table: str, ports: Collection[int]) -> dict[int, set[int]]:
    """Port → socket inodes that listen on it, from /proc/net/tcp or tcp6. Pure."""
    found: dict[int, set[int]] = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:
            port = int(fields[1].rsplit(":", 1)[1], 16)
            if port in ports:
                found.setdefault(port, set()).add(int(fields[9]))
    return found


def probe(ports: Collection[int]) -> dict[int, Busy]:
    """The ports that can't be bound on loopback, with who holds them where that can be seen."""
    refused = {port: reason for port in ports if (reason := _bind(port))}
    if not refused:
        return {}
    inodes: dict[int, int] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for port, sockets in listening_inodes(Path(table).read_text(), refused).items():
                inodes.update(dict.fromkeys(sockets, port))
    holders = _holders(inodes)
    return {port: Busy(reason, holders.get(port)) for port, reason in refused.items()}


def _bind(port: int) -> str:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                trial.bind((address, port))
        except OSError as cause:
            # A machine without IPv6 has no ::1 to bind.
            if family == socket.AF_INET or cause.errno == errno.EADDRINUSE:
                return os.strerror(cause.errno) if cause.errno else str(cause)
    return ""


def _holders(inodes: Mapping[int, int]) -> dict[int, Holder]:
    found: dict[int, Holder] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        # Processes end, and others' descriptors can't be read: both are passed over.
        with contextlib.suppress(OSError):
            for descriptor in (folder / "fd").iterdir():
                match = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
                port = inodes.get(int(match.group(1))) if match else None
                if port is not None:
                    found.setdefault(port, _holder(folder))
    return found


def _holder(folder: Path) -> Holder:
    groups = tuple(line.split(":", 2)[2] for line in (folder / "cgroup").read_text().splitlines())
    return Holder(int(folder.name), (folder / "comm").read_text().strip(), groups)
