"""Control groups of a host: one folder of its own at the root of every hierarchy, v1 and v2.

Everything of a host runs below it: the supervisor, the services (leaf `machine`) and the pods, which kubelet puts
beside that leaf. An empty folder is all that a killed host leaves here; `remove` takes it away.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LEAF = "machine"
_PERIOD_US = 100_000


@dataclass(frozen=True)
class Hierarchy:
    """One mounted hierarchy. `controllers` is empty for v2 and for named ones."""

    mount: Path
    controllers: frozenset[str]
    unified: bool


def parse(mountinfo: str) -> tuple[Hierarchy, ...]:
    """All hierarchies, from /proc/self/mountinfo."""
    found: list[Hierarchy] = []
    for line in mountinfo.splitlines():
        head, _, rest = line.partition(" - ")
        fields, (kind, _, options) = head.split(" "), rest.split(" ")[:3]
        if kind not in {"cgroup", "cgroup2"} or fields[3] != "/":
            continue
        mount = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4]))
        controllers = frozenset() if kind == "cgroup2" else _controllers(options)
        found.append(Hierarchy(mount, controllers, kind == "cgroup2"))
    return tuple(found)


def of_hosts(found: tuple[Hierarchy, ...]) -> tuple[Hierarchy, ...]:
    """Those that hosts are put into: v1 where it is mounted. runc puts containers into a v2 beside it ("hybrid") as
    well, so folders appear there too and have to be removed."""
    return tuple(hierarchy for hierarchy in found if not hierarchy.unified) or found


def _controllers(options: str) -> frozenset[str]:
    words = set(options.split(","))
    return frozenset(words - {"rw", "ro", "relatime", "xattr", "noprefix", "clone_children"} - _named(words))


def _named(words: set[str]) -> set[str]:
    return {word for word in words if "=" in word}


def hierarchies() -> tuple[Hierarchy, ...]:
    """Those of this machine."""
    return parse(Path("/proc/self/mountinfo").read_text(encoding="utf-8"))


def folders(name: str, of: tuple[Hierarchy, ...]) -> tuple[Path, ...]:
    """The folder of a host in each hierarchy."""
    return tuple(hierarchy.mount / name for hierarchy in of)


def limits(hierarchy: Hierarchy, memory_bytes: int | None, cpus: float | None) -> dict[str, str]:
    """Kernel files and values that bound a host in one hierarchy."""
    quota = None if cpus is None else int(cpus * _PERIOD_US)
    wanted: dict[str, str] = {}
    if hierarchy.unified:
        if memory_bytes is not None:
            wanted["memory.max"] = str(memory_bytes)
        if quota is not None:
            wanted["cpu.max"] = f"{quota} {_PERIOD_US}"
    else:
        if memory_bytes is not None and "memory" in hierarchy.controllers:
            wanted["memory.limit_in_bytes"] = str(memory_bytes)
        if quota is not None and "cpu" in hierarchy.controllers:
            wanted["cpu.cfs_quota_us"] = str(quota)
    return wanted


def create(name: str, memory_bytes: int | None = None, cpus: float | None = None) -> None:
    """Makes the host's folders and their leaf, with cpusets filled in and controllers handed down."""
    for hierarchy in of_hosts(hierarchies()):
        top = hierarchy.mount / name
        for folder in (top, top / LEAF):
            folder.mkdir(exist_ok=True)
            if "cpuset" in hierarchy.controllers:
                _inherit_cpuset(folder)
            if hierarchy.unified:
                _hand_down(folder.parent)
        for file, value in limits(hierarchy, memory_bytes, cpus).items():
            (top / file).write_text(value, encoding="utf-8")


def _inherit_cpuset(folder: Path) -> None:
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / file).read_text(encoding="utf-8").strip():
            (folder / file).write_text((folder.parent / file).read_text(encoding="utf-8"), encoding="utf-8")


def _hand_down(parent: Path) -> None:
    """Lets children of a v2 group use every controller that it has."""
    for controller in (parent / "cgroup.controllers").read_text(encoding="utf-8").split():
        with contextlib.suppress(OSError):  # one that the kernel refuses to hand down limits nothing here
            (parent / "cgroup.subtree_control").write_text(f"+{controller}", encoding="utf-8")


def enter(name: str) -> None:
    """Moves the calling process into the host's leaf."""
    for folder in folders(name, of_hosts(hierarchies())):
        (folder / LEAF / "cgroup.procs").write_text("0", encoding="utf-8")


def existing(name: str) -> tuple[Path, ...]:
    """The host's folders that are there."""
    return tuple(folder for folder in folders(name, hierarchies()) if folder.is_dir())


def members(name: str) -> frozenset[int]:
    """Process ids of everything that runs in the host's groups."""
    found: set[int] = set()
    for top in existing(name):
        for folder in _tree(top):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text(encoding="utf-8").split())
    return frozenset(found)


def remove(name: str) -> tuple[Path, ...]:
    """Removes the host's folders from the leaves up; gives those that stay because something runs in them."""
    for top in existing(name):
        for folder in _tree(top):
            with contextlib.suppress(OSError):
                folder.rmdir()
    return existing(name)


def remove_pods(name: str) -> bool:
    """Removes what is below the host's folders but the leaf, once all in it has ended; gives whether nothing is left.

    kubelet needs seconds for every folder of a container that is no more, so a host that boots starts without them.
    """
    left = False
    for top in existing(name):
        for child in [entry for entry in top.iterdir() if entry.is_dir() and entry.name != LEAF]:
            for folder in _tree(child):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            left = left or child.exists()
    return not left


def _tree(top: Path) -> Iterator[Path]:
    """The folder and all below it, children first."""
    with contextlib.suppress(FileNotFoundError):
        for child in top.iterdir():
            if child.is_dir() and not child.is_symlink():
                yield from _tree(child)
    yield top
