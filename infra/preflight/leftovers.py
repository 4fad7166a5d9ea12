"""What an earlier run left of this installation's hosts: `up` cleans what is ours by itself; the rest stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.hosts import cgroups, leftovers, state
from infra.hosts.layout import Layout
from infra.hosts.leftovers import Folder
from infra.preflight.model import Finding

MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Remains:
    """What is there of one host."""

    host: str
    root: Path
    running: bool
    folder: Folder
    members: frozenset[int]
    groups: tuple[Path, ...]
    mounts: tuple[str, ...]
    """Mount points of the machine itself below the host's folder; hosts make theirs in a namespace of their own."""


def findings(remains: Sequence[Remains], nodes: int) -> list[Finding]:
    """What hinders, then one summary of the rest. Pure."""
    found: list[Finding] = []
    for one in remains:
        if one.folder == Folder.FOREIGN:
            found.append(
                Finding(
                    f"host {one.host}",
                    False,
                    f"{one.root} holds files, but not the description of a host of this installation (host.json).",
                    "Move them away, or give the profile another name.",
                )
            )
        elif one.folder == Folder.ABSENT and one.members:
            found.append(
                Finding(
                    f"host {one.host}",
                    False,
                    f"{len(one.members)} processes run in control group {one.groups[0]}, such as {min(one.members)}, "
                    f"but {one.root} holds no host.",
                    "End them, or give the profile another name.",
                )
            )
        if one.mounts:
            found.append(
                Finding(
                    f"host {one.host}",
                    False,
                    f"{one.mounts[0]} is a mount of this machine; no host makes one there.",
                    f"Run: umount {one.mounts[0]}",
                )
            )
    if found:
        return found
    running = [one.host for one in remains if one.running]
    dead = [one for one in remains if not one.running and (one.folder == Folder.OURS or one.groups)]
    words = f"{len(running)} of {nodes} hosts run" if running else "no hosts run"
    if dead:
        strays = sum(len(one.members) for one in dead)
        words += f"; {', '.join(one.host for one in dead)} stopped" + (
            f" and left {strays} processes" if strays else ""
        )
        words += ", which `up` cleans and starts again"
    return [Finding("hosts", True, words)]


def probe(installation: str, hosts_root: Path) -> list[Remains]:
    """Every host of the installation that has a folder or a control group."""
    folder = hosts_root / installation
    names = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
    prefix = f"mlp-{installation}-"
    for hierarchy in cgroups.hierarchies():
        names |= {path.name.removeprefix(prefix) for path in hierarchy.mount.glob(f"{prefix}*") if path.is_dir()}
    mounts = MOUNTS.read_text(encoding="utf-8")
    found = []
    for name in sorted(names):
        layout = Layout(installation, name, hosts_root)
        there = leftovers.inspect(layout, f"{prefix}{name}")
        found.append(
            Remains(
                name,
                layout.root,
                state.read(layout.state) is not None,
                there.folder,
                there.members,
                there.groups,
                leftovers.mounts_below(mounts, layout.root),
            )
        )
    return found
