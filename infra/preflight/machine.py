"""Operating system, rights, programs, memory and limits: what the machine is, judged by pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from infra.preflight.model import GIB, Finding

PYTHON = (3, 11)
MACHINES = ("x86_64", "aarch64")

MEMORY_FIRST_NODE = 3.0
MEMORY_MORE_NODES = 0.6
"""GiB that the platform takes when idle; what workspaces run comes on top."""
MEMORY_COMFORT = 2.0
"""GiB beyond that, for images being built and the first notebooks."""

INOTIFY_PER_NODE = 128
"""Instances of inotify: kubelet, containerd and the pods of all hosts share what one user has."""

PROGRAMS: Mapping[str, str] = {
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
"""Programs that hosts are made with → their Debian package."""


def system(name: str, machine: str) -> Finding:
    """`uname`'s system and machine."""
    if name != "Linux":
        return Finding(
            "system",
            False,
            f"This is {name}; a local cluster needs Linux's namespaces.",
            "Use target `existing` with a cluster that is there already (kind in Docker is one), or a Linux machine.",
        )
    if machine not in MACHINES:
        return Finding(
            "system", False, f"Linux on {machine} was never tried.", f"Use one of: {', '.join(MACHINES)}.", "warning"
        )
    return Finding("system", True, f"Linux on {machine}")


def root(effective_uid: int) -> Finding:
    """The right to make hosts."""
    if effective_uid == 0:
        return Finding("root", True, "running as root")
    return Finding(
        "root",
        False,
        f"Running as user {effective_uid}; a local cluster needs root for namespaces, mounts and control groups.",
        "Run it with sudo, or use target `existing` with a cluster that is there already.",
    )


def python(version: tuple[int, int], executable: str) -> Finding:
    """The interpreter that runs the installer."""
    words = f"Python {version[0]}.{version[1]} at {executable}"
    if version >= PYTHON:
        return Finding("python", True, words)
    return Finding(
        "python",
        False,
        f"{words}; {PYTHON[0]}.{PYTHON[1]} or newer is needed.",
        "Remove .venv, then run make with a newer python3 first on PATH.",
    )


def programs(missing: Collection[str]) -> Finding:
    """Programs of the base system that hosts are made with."""
    if not missing:
        return Finding("programs", True, f"{', '.join(PROGRAMS)} are there")
    packages = sorted({PROGRAMS[name] for name in missing})
    return Finding(
        "programs",
        False,
        f"Not on PATH: {', '.join(sorted(missing))}.",
        f"Install with: apt-get install {' '.join(packages)}",
    )


def memory(meminfo: str, nodes: int, installed: bool) -> Finding:
    """Available memory, from /proc/meminfo, against what an idle platform takes."""
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    available, total = (int(fields[name].split()[0]) * 1024 / GIB for name in ("MemAvailable", "MemTotal"))
    need = MEMORY_FIRST_NODE + MEMORY_MORE_NODES * (nodes - 1)
    words = f"{available:.1f} GiB of {total:.1f} GiB memory available"
    if installed or available >= need + MEMORY_COMFORT:
        return Finding("memory", True, words)
    hosts = "one host" if nodes == 1 else f"{nodes} hosts"
    if available >= need:
        return Finding(
            "memory",
            False,
            f"{words}; the idle platform on {hosts} takes {need:.1f} GiB, so little is left for workspaces.",
            "End other programs, or expect pods that wait for memory.",
            "warning",
        )
    return Finding(
        "memory",
        False,
        f"{words}; the idle platform on {hosts} takes {need:.1f} GiB.",
        "End other programs, use a larger machine"
        + (", or lower local.nodes in the profile." if nodes > 1 else ", or target `existing`."),
    )


def inotify(instances: int | None, nodes: int) -> Finding:
    """`fs.inotify.max_user_instances`; None where the kernel does not say."""
    need = INOTIFY_PER_NODE * nodes
    if instances is None or instances >= need:
        return Finding("inotify", True, f"{'no limit known' if instances is None else instances} inotify instances")
    return Finding(
        "inotify",
        False,
        f"One user may have {instances} inotify instances; {nodes} hosts may need {need}.",
        f"Run: sysctl -w fs.inotify.max_user_instances={need}",
        "warning",
    )
