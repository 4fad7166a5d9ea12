"""Hosts as an administrator gets them: bare, joined by a network, reached over SSH. Made of namespaces.

A `Yard` is a switch, a place where the administrator sits (a network namespace with nothing but the switch), and hosts
that can be switched off, on and thrown away. Each host has its own network, mounts, processes, host name, control
groups, disk and sshd; nothing of it can be seen from outside. The keys are the run's own.
"""

from __future__ import annotations

import ctypes
import ipaddress
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.hosts import cgroups, syscalls
from infra.hosts.errors import HostError
from infra.hosts.layout import Layout
from infra.hosts.network import INTERFACE, Ip, hardware_address, port_name, switch_commands
from infra.hosts.processes import kill_all
from infra.hosts.ssh import SshTarget, SshTransport
from infra.hosts.supervisor import PROJECT_ROOT, child_environment
from infra.installation.home import cache_root
from infra.toolchain.model import Tool
from infra.toolchain.service import Toolchain

NODES = "10.250.0.0/24"
ADMIN_ADDRESS = "10.250.0.250"

_SSHD_CONFIG = """\
Port 22
ListenAddress {address}
HostKey /etc/ssh/host_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile /run/sshd.pid
AuthorizedKeysFile .ssh/authorized_keys
Subsystem sftp internal-sftp
"""


def new_key() -> tuple[str, str]:
    """(private key as OpenSSH's client and server read it, public key as one line)."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


@dataclass
class BareHost:
    """One host: on or off; its disk stays until it is thrown away."""

    name: str
    address: str
    layout: Layout
    host_key: str
    public_key: str
    network: int = -1
    """Descriptor of its network namespace while it is on."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def cgroup(self) -> str:
        return f"yard-{self.layout.installation}-{self.name}"  # not as hosts of this machine, which `down` looks for

    @property
    def on(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Yard:
    """Everything that one test needs of machines."""

    folder: Path
    sshd: Tool
    switch: int
    admin: int
    ip: Ip
    user_public_key: str
    installation: str = field(default_factory=lambda: f"y{secrets.token_hex(3)}")
    hosts: dict[str, BareHost] = field(default_factory=dict)

    @property
    def key_file(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def buy(self, name: str, address: str) -> BareHost:
        """A new host, switched on, whose key the administrator has noted."""
        private, public = new_key()
        layout = Layout(self.installation, name, self.folder / "hosts")
        host = BareHost(name, address, layout, private, public)
        self.hosts[name] = host
        self.note_keys()
        self.switch_on(name)
        return host

    def note_keys(self) -> None:
        lines = [f"{host.address} {host.public_key}\n" for host in self.hosts.values()]
        self.known_hosts.write_text("".join(lines), "utf-8")

    def switch_on(self, name: str) -> None:
        host = self.hosts[name]
        host.layout.disk.mkdir(parents=True, exist_ok=True)
        cgroups.create(host.cgroup)
        for tree in cgroups.hierarchies():  # also those without controllers, or the host would see the machine's
            (tree.mount / host.cgroup).mkdir(exist_ok=True)
        host.network = syscalls.new_network_namespace()
        self._plug(host)
        description = {
            "root": str(host.layout.root),
            "address": host.address,
            "known": {host.name: host.address},
            "nodes": NODES,
            "folders": [*_folders(self.sshd.env), str(self.sshd.path.parent)],
            "env": dict(self.sshd.env),
            "sshd": str(self.sshd.path),
            "sshd_config": _SSHD_CONFIG.format(address=host.address),
            "authorized": self.user_public_key + "\n",
            "host_key": host.host_key,
            "control_groups": _control_groups(),
        }
        file = host.layout.root / "bare.json"
        file.touch(0o600)
        file.write_text(json.dumps(description), "utf-8")
        log = (self.folder / f"{name}.log").open("ab")
        host.process = subprocess.Popen(
            [
                "nsenter",
                f"--net=/proc/self/fd/{host.network}",
                "--",
                *("unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child"),
                *(sys.executable, "-m", "tests.servers.bare_init", str(file)),
            ],
            cwd=PROJECT_ROOT,
            env={**child_environment(), "PYTHONPATH": str(PROJECT_ROOT)},
            pass_fds=(host.network,),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_Joining(host.cgroup, os.getpid()),  # noqa: PLW1509 - only system calls
        )
        log.close()
        self._await_sshd(host)

    def _await_sshd(self, host: BareHost) -> None:
        deadline = time.monotonic() + 20
        probe = f"exec 3<>/dev/tcp/{host.address}/22"
        while self.run(["bash", "-c", probe], check=False).returncode != 0:
            words = (self.folder / f"{host.name}.log").read_text("utf-8", errors="replace")
            assert host.on, f"host {host.name} ended: {words}"
            assert time.monotonic() < deadline, f"sshd of {host.name} does not answer: {words}"
            time.sleep(0.05)

    def _plug(self, host: BareHost) -> None:
        prefix = ipaddress.IPv4Network(NODES).prefixlen
        port = port_name(host.address)
        self.ip.run(
            self.switch,
            (
                f"link add {port} type veth peer name {INTERFACE} address {hardware_address(host.address)} "
                f"netns /proc/{os.getpid()}/fd/{host.network}",
                f"link set {port} master switch0",
                f"link set {port} up",
            ),
        )
        self.ip.run(
            host.network,
            ("link set lo up", f"addr add {host.address}/{prefix} dev {INTERFACE}", f"link set {INTERFACE} up"),
        )

    def switch_off(self, name: str) -> None:
        """As pulling the plug: every process ends at once, nothing is told to anybody."""
        host = self.hosts[name]
        if host.process is not None:
            host.process.kill()
            host.process.wait()
            host.process = None
            os.close(host.network)
        deadline = time.monotonic() + 20
        while cgroups.remove(host.cgroup):
            kill_all(cgroups.members(host.cgroup))
            assert time.monotonic() < deadline, f"{host.cgroup} does not end"
            time.sleep(0.05)
        port = port_name(host.address)
        if self.ip.has_interface(self.switch, port):  # the kernel would take it with the other end, but late when busy
            with suppress(HostError):
                self.ip.run(self.switch, (f"link del {port}",))
        while self.ip.has_interface(self.switch, port):
            assert time.monotonic() < deadline, f"the cable of {name} does not go"
            time.sleep(0.05)

    def throw_away(self, name: str) -> None:
        """Switched off, its disk destroyed."""
        self.switch_off(name)
        shutil.rmtree(self.hosts[name].layout.root)
        del self.hosts[name]

    def target(self, name: str) -> SshTarget:
        host = self.hosts[name]
        return SshTarget(host.address, key_file=str(self.key_file), known_hosts=str(self.known_hosts))

    def transport(self, name: str) -> SshTransport:
        """Only for use `inside`."""
        return SshTransport(name, self.target(name))

    def run(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, check: bool = True, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """A command where the administrator sits."""
        return subprocess.run(
            ["nsenter", f"--net=/proc/self/fd/{self.admin}", "--", *argv],
            pass_fds=(self.admin,),
            cwd=PROJECT_ROOT,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=check,
            timeout=seconds,
        )

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The calling thread, and what it starts, sits where the administrator does."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _enter_network(self.admin)
        try:
            yield
        finally:
            _enter_network(own)
            os.close(own)

    def close(self) -> None:
        """Throws everything away. What keeps one host from going keeps no other; it is said at the end."""
        failures: dict[str, str] = {}
        for _ in range(2):
            failures.clear()
            for name in list(self.hosts):
                try:
                    self.throw_away(name)
                except (AssertionError, OSError, HostError, subprocess.SubprocessError) as error:
                    failures[name] = f"{type(error).__name__}: {error}"
        os.close(self.switch)
        os.close(self.admin)
        assert not failures, f"not thrown away: {failures}"


class _Joining:
    """For preexec_fn: joins the host's control groups and dies with the test."""

    def __init__(self, cgroup: str, parent: int) -> None:
        self._files = [folder / "cgroup.procs" for folder in cgroups.existing(cgroup)]
        self._prepare = syscalls.make_dying_child(parent)

    def __call__(self) -> None:
        self._prepare()
        for file in self._files:
            file.write_text("0", "utf-8")


def _enter_network(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, syscalls.CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "entering a network namespace")


def _control_groups() -> list[tuple[str, str, str]]:
    """(folder's name, kind of file system, mount options) of each hierarchy."""
    found = []
    for tree in cgroups.hierarchies():
        if tree.unified:
            found.append((tree.mount.name, "cgroup2", ""))
        else:
            options = ",".join(sorted(tree.controllers)) or f"none,name={tree.mount.name}"
            found.append((tree.mount.name, "cgroup", options))
    return found


def _folders(env: Mapping[str, str]) -> list[str]:
    return [part for value in env.values() for part in value.split(":") if part]


def open_yard(folder: Path) -> Yard:
    """A yard without hosts. `close` removes everything."""
    tools = Toolchain(cache_root()).ensure(["sshd", "iproute2"])
    ip = Ip(str(tools["iproute2"].path), tools["iproute2"].env)
    private, public = new_key()
    key = folder / "id_ed25519"
    key.touch(0o600)
    key.write_text(private, "utf-8")
    switch, admin = syscalls.new_network_namespace(), syscalls.new_network_namespace()
    ip.run(switch, switch_commands())
    prefix = ipaddress.IPv4Network(NODES).prefixlen
    ip.run(
        switch,
        (
            f"link add admin type veth peer name {INTERFACE} netns /proc/{os.getpid()}/fd/{admin}",
            "link set admin master switch0",
            "link set admin up",
        ),
    )
    ip.run(admin, ("link set lo up", f"addr add {ADMIN_ADDRESS}/{prefix} dev {INTERFACE}", f"link set {INTERFACE} up"))
    return Yard(folder, tools["sshd"], switch, admin, ip, public)
