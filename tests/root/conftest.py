"""Hosts made for a test, below its own folder, and removed after it whatever happened."""

from __future__ import annotations

import dataclasses
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.hosts import cgroups, lifecycle
from infra.hosts.layout import CONTAINERD_CONFIG, Layout
from infra.hosts.model import Forward, HostSpec, Peer, Target
from infra.hosts.state import State
from infra.hosts.transport import LocalTransport


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    allowed = os.geteuid() == 0 and sys.platform == "linux"
    for item in items:
        if "tests/root" in str(item.path):
            item.add_marker("root")
            if not allowed:
                item.add_marker(pytest.mark.skip(reason="needs root on Linux: hosts have namespaces of their own"))


def wait_for(what: Callable[[], object], seconds: float = 15) -> None:
    """Waits until something is true. Fails the test when it does not come true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclasses.dataclass
class MadeHost:
    """A host of the test: how it is described, where it lives, how to reach it."""

    spec: HostSpec
    layout: Layout

    @property
    def transport(self) -> LocalTransport:
        return LocalTransport(self.layout)

    def start(self) -> State:
        return lifecycle.start(self.spec, self.layout)

    def state(self) -> State:
        found = lifecycle.current(self.layout)
        assert found is not None, "the host does not run"
        return found

    def change(self, **changes: object) -> State:
        self.spec = dataclasses.replace(self.spec, **changes)  # type: ignore[arg-type]
        return self.start()

    def remove(self) -> None:
        lifecycle.remove(self.layout, self.spec.cgroup)

    def pids(self) -> frozenset[int]:
        return cgroups.members(self.spec.cgroup)


Make = Callable[..., MadeHost]


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Make]:
    """Describes hosts `node1`, `node2`, … of one installation of the test's own. They are started by the test."""
    installation = f"t{secrets.token_hex(4)}"
    service = tmp_path / "service"
    service.write_text("#!/bin/sh\nexec sleep 100000\n")
    service.chmod(0o755)
    made: list[MadeHost] = []

    def make(index: int = 1, forwards: tuple[Forward, ...] = ()) -> MadeHost:
        known = dict.fromkeys((1, index))
        spec = HostSpec(
            installation=installation,
            name=f"node{index}",
            address=f"10.250.0.{index}",
            peers=tuple(Peer(f"node{each}", f"10.250.0.{each}") for each in known),
            nodes="10.250.0.0/24",
            pods="10.244.0.0/16",
            services="10.96.0.0/16",
            tools={"containerd": str(service)},
            files={CONTAINERD_CONFIG: "version = 2\n"},
            forwards=forwards,
        )
        made.append(MadeHost(spec, Layout(installation, spec.name, tmp_path / "hosts")))
        return made[-1]

    yield make
    for host in reversed(made):
        host.remove()


_ECHO = """
import socket, sys, threading
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
def serve(end):
    while data := end.recv(65536):
        end.sendall(data)
    end.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@pytest.fixture
def echo() -> Iterator[Callable[[MadeHost, int], None]]:
    """Starts a server in a host's network that sends back what it is sent."""
    started: list[subprocess.Popen[str]] = []

    def start(host: MadeHost, port: int) -> None:
        init = host.state().init
        assert init is not None
        process = subprocess.Popen(
            ["nsenter", "-t", str(init.pid), "-n", sys.executable, "-c", _ECHO, host.spec.address, str(port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def ask(port: int, words: bytes = b"hello") -> bytes:
    """What comes back from a forwarded port; empty where the connection is refused or closed."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as end:
            end.sendall(words)
            end.shutdown(socket.SHUT_WR)
            found = b""
            while piece := end.recv(65536):
                found += piece
            return found
    except OSError:
        return b""


def forward(port: int, *targets: tuple[str, int], name: str = "echo") -> Forward:
    return Forward(name, port, tuple(Target(address, inside) for address, inside in targets))
