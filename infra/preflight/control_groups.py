"""Which controllers of control groups there are, v1 or v2, judged from /proc/self/mountinfo and what v2 hands down."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from infra.hosts.cgroups import Hierarchy
from infra.preflight.model import Finding

V1 = ("cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids")
V2 = ("cpu", "cpuset", "memory", "pids")
"""What kubelet and runc can't do without."""


def control_groups(hierarchies: Collection[Hierarchy], unified: Collection[str], read_only: Collection[str]) -> Finding:
    """`unified` are the controllers at the root of the v2 hierarchy, `read_only` the mounts that can't be written."""
    if not hierarchies:
        return Finding(
            "cgroups",
            False,
            "No control groups are mounted.",
            "Run: mount -t cgroup2 none /sys/fs/cgroup (or start the container with writable cgroups of its own).",
        )
    version = 2 if all(hierarchy.unified for hierarchy in hierarchies) else 1
    there = set(unified) if version == 2 else {name for hierarchy in hierarchies for name in hierarchy.controllers}
    missing = [name for name in (V2 if version == 2 else V1) if name not in there]
    if missing:
        return Finding("cgroups", False, f"cgroup v{version} lacks: {', '.join(missing)}.", _remedy(version, missing))
    if read_only:
        return Finding(
            "cgroups",
            False,
            f"Control groups are mounted read-only at {', '.join(sorted(read_only))}.",
            "Mount them read-write; in a container, start it privileged or with writable cgroups.",
        )
    return Finding("cgroups", True, f"cgroup v{version} with {', '.join(sorted(there))}")


def _remedy(version: int, missing: Sequence[str]) -> str:
    if "memory" in missing:
        return "Start the kernel with: cgroup_enable=memory swapaccount=1"
    if version == 2:
        return (
            f"Let the parent group hand them down: {' '.join(f'+{name}' for name in missing)} in cgroup.subtree_control"
        )
    return f"Mount them: mount -t cgroup -o {missing[0]} none /sys/fs/cgroup/{missing[0]} (likewise for the others)"
