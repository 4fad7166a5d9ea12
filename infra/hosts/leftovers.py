"""What a killed run left of a host, and what may be done about it. `decide` is pure; `inspect` asks the machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.hosts import cgroups
from infra.hosts.errors import InvalidHost, NotOurs
from infra.hosts.layout import Layout
from infra.hosts.model import load
from infra.hosts.processes import describe


class Folder(StrEnum):
    """Whose the host's folder is."""

    ABSENT = "absent"
    OURS = "ours"
    FOREIGN = "foreign"
    """It holds files, but no description of this host."""


@dataclass(frozen=True)
class Found:
    """What is there. `members` are processes in the host's control groups."""

    folder: Folder
    members: frozenset[int]
    groups: tuple[Path, ...]


@dataclass(frozen=True)
class Plan:
    """What to do before a start or after an end."""

    kill: frozenset[int]
    remove_groups: bool


def whose(layout: Layout) -> Folder:
    """Whose the host's folder is."""
    if not layout.root.exists() or not any(layout.root.iterdir()):
        return Folder.ABSENT
    try:
        spec = load(layout.spec.read_text(encoding="utf-8"))
    except (FileNotFoundError, InvalidHost):
        return Folder.FOREIGN
    same = (spec.installation, spec.name) == (layout.installation, layout.host)
    return Folder.OURS if same else Folder.FOREIGN


def inspect(layout: Layout, cgroup: str) -> Found:
    """What is there of a host, running or not."""
    return Found(whose(layout), cgroups.members(cgroup), cgroups.existing(cgroup))


def decide(found: Found, layout: Layout) -> Plan:
    """What may go. Raises NotOurs for what has our name but not our mark."""
    if found.folder == Folder.FOREIGN:
        raise NotOurs(_foreign(layout))
    if found.folder == Folder.ABSENT and found.members:
        who = ", ".join(describe(pid) for pid in sorted(found.members)[:3])
        raise NotOurs(
            f"{who} runs in control group {found.groups[0]}, but {layout.root} holds no host. "
            "End it, or choose another installation name."
        )
    return Plan(found.members, bool(found.groups))


def refuse_foreign(layout: Layout) -> None:
    """Raises NotOurs where the host's folder holds somebody else's files."""
    if whose(layout) == Folder.FOREIGN:
        raise NotOurs(_foreign(layout))


def _foreign(layout: Layout) -> str:
    return (
        f"{layout.root} holds files, but not the description of host {layout.host} of installation "
        f"{layout.installation} (host.json). Move them away, or choose another installation name."
    )


def mounts_below(mountinfo: str, root: Path) -> tuple[str, ...]:
    """Mount points on or below a folder, from /proc/self/mountinfo."""
    points = [line.split(" ")[4] for line in mountinfo.splitlines() if line]
    return tuple(point for point in points if point == str(root) or point.startswith(f"{root}/"))


def refuse_mounts(layout: Layout) -> None:
    """Raises NotOurs where the machine itself mounted something below the host's folder; removing would empty it."""
    found = mounts_below(Path("/proc/self/mountinfo").read_text(encoding="utf-8"), layout.root)
    if found:
        raise NotOurs(f"{found[0]} is a mount of this machine; no host makes one there. Unmount it, then try again.")
