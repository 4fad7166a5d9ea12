"""Which hierarchies hosts go into, and how they are bounded there."""

from __future__ import annotations

from pathlib import Path

from infra.hosts import cgroups
from infra.hosts.cgroups import Hierarchy

_V1 = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 25 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
35 30 0:28 /docker/x /var/elsewhere rw,relatime - cgroup cgroup rw,memory
"""
_V2 = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_every_whole_hierarchy_is_found() -> None:
    root = Path("/sys/fs/cgroup")
    assert cgroups.parse(_V1) == (
        Hierarchy(root / "cpu,cpuacct", frozenset({"cpu", "cpuacct"}), unified=False),
        Hierarchy(root / "memory", frozenset({"memory"}), unified=False),
        Hierarchy(root / "systemd", frozenset(), unified=False),
        Hierarchy(root / "unified", frozenset(), unified=True),
    )


def test_hosts_go_into_version_1_where_both_are_mounted_and_into_version_2_where_it_is_alone() -> None:
    assert [h.mount.name for h in cgroups.of_hosts(cgroups.parse(_V1))] == ["cpu,cpuacct", "memory", "systemd"]
    assert [h.unified for h in cgroups.of_hosts(cgroups.parse(_V2))] == [True]


def test_spaces_in_mount_points_are_decoded() -> None:
    found = cgroups.parse(r"30 25 0:26 / /sys/my\040groups rw - cgroup2 cgroup2 rw")
    assert found[0].mount == Path("/sys/my groups")


def test_limits_have_each_version_s_names() -> None:
    memory, cpu = (Hierarchy(Path("/x"), frozenset({name}), unified=False) for name in ("memory", "cpu"))
    assert cgroups.limits(memory, 1 << 30, 1.5) == {"memory.limit_in_bytes": str(1 << 30)}
    assert cgroups.limits(cpu, 1 << 30, 1.5) == {"cpu.cfs_quota_us": "150000"}
    unified = Hierarchy(Path("/x"), frozenset(), unified=True)
    assert cgroups.limits(unified, 1 << 30, 1.5) == {"memory.max": str(1 << 30), "cpu.max": "150000 100000"}
    assert cgroups.limits(unified, None, None) == {}
