"""Judging system, rights, programs, memory, limits and control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.hosts.cgroups import Hierarchy
from infra.preflight import machine
from infra.preflight.control_groups import V1, control_groups
from infra.preflight.model import Finding, blocking

MEMINFO = "MemTotal:       24683656 kB\nMemFree:         1000 kB\nMemAvailable:   {kb} kB\nHugePages_Total:       0\n"


def gib(amount: float) -> int:
    return int(amount * 2**20)


@pytest.mark.parametrize(
    ("name", "architecture", "ok", "severity"),
    [
        ("Linux", "x86_64", True, "error"),
        ("Linux", "aarch64", True, "error"),
        ("Linux", "riscv64", False, "warning"),
        ("Darwin", "arm64", False, "error"),
    ],
)
def test_system(name: str, architecture: str, ok: bool, severity: str) -> None:
    found = machine.system(name, architecture)

    assert (found.ok, found.severity) == (ok, severity)
    assert bool(found.remedy) is not ok


def test_root() -> None:
    assert machine.root(0).ok
    assert "user 1000" in machine.root(1000).message
    assert "sudo" in machine.root(1000).remedy


def test_python() -> None:
    assert machine.python((3, 11), "/venv/python").ok
    assert machine.python((3, 14), "/venv/python").ok
    assert not machine.python((3, 10), "/venv/python").ok


def test_missing_programs_are_named_with_their_packages() -> None:
    assert machine.programs([]).ok

    found = machine.programs(["unshare", "nsenter", "ip"])

    assert found.message == "Not on PATH: ip, nsenter, unshare."
    assert found.remedy == "Install with: apt-get install iproute2 util-linux"


@pytest.mark.parametrize(
    ("available", "nodes", "installed", "verdict"),
    [
        (6.0, 1, False, "ok"),
        (4.0, 1, False, "warning"),
        (2.0, 1, False, "error"),
        (2.0, 1, True, "ok"),
        (6.0, 3, False, "warning"),
        (4.0, 3, False, "error"),
    ],
)
def test_memory(available: float, nodes: int, installed: bool, verdict: str) -> None:
    found = machine.memory(MEMINFO.format(kb=gib(available)), nodes, installed)

    assert ("ok" if found.ok else found.severity) == verdict
    assert found.message.startswith(f"{available:.1f} GiB of 23.5 GiB memory available")
    assert ("local.nodes" in found.remedy) is (verdict == "error" and nodes > 1)


def test_inotify() -> None:
    assert machine.inotify(128, 1).ok
    assert machine.inotify(None, 9).ok
    found = machine.inotify(128, 3)
    assert (found.ok, found.severity) == (False, "warning")
    assert found.remedy.endswith("max_user_instances=384")


def v1(*controllers: str) -> tuple[Hierarchy, ...]:
    return tuple(Hierarchy(Path("/sys/fs/cgroup") / name, frozenset({name}), False) for name in controllers)


V2 = (Hierarchy(Path("/sys/fs/cgroup"), frozenset(), True),)


@pytest.mark.parametrize(
    ("hierarchies", "unified", "read_only", "message"),
    [
        (v1(*V1), [], [], "cgroup v1 with cpu, cpuacct, cpuset, devices, freezer, memory, pids"),
        (V2, ["cpu", "cpuset", "io", "memory", "pids"], [], "cgroup v2 with cpu, cpuset, io, memory, pids"),
    ],
)
def test_complete_control_groups(
    hierarchies: tuple[Hierarchy, ...], unified: list[str], read_only: list[str], message: str
) -> None:
    assert control_groups(hierarchies, unified, read_only) == Finding("cgroups", True, message)


@pytest.mark.parametrize(
    ("hierarchies", "unified", "read_only", "message", "remedy"),
    [
        ((), [], [], "No control groups are mounted.", "mount -t cgroup2"),
        (v1(*(set(V1) - {"pids", "cpuset"})), [], [], "cgroup v1 lacks: cpuset, pids.", "mount -t cgroup -o cpuset"),
        (v1(*(set(V1) - {"memory"})), [], [], "cgroup v1 lacks: memory.", "cgroup_enable=memory"),
        (V2, ["cpu", "memory"], [], "cgroup v2 lacks: cpuset, pids.", "+cpuset +pids in cgroup.subtree_control"),
        (
            v1(*V1),
            [],
            ["/sys/fs/cgroup/cpu"],
            "Control groups are mounted read-only at /sys/fs/cgroup/cpu.",
            "read-write",
        ),
    ],
)
def test_what_control_groups_lack(
    hierarchies: tuple[Hierarchy, ...], unified: list[str], read_only: list[str], message: str, remedy: str
) -> None:
    found = control_groups(hierarchies, unified, read_only)

    assert not found.ok
    assert found.message == message
    assert remedy in found.remedy


def test_only_errors_block() -> None:
    error = Finding("a", False, "no")
    assert blocking([Finding("b", True, "yes"), Finding("c", False, "hm", severity="warning"), error]) == [error]
