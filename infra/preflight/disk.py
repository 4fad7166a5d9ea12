"""Is there room? Absolute numbers, summed for folders that share a file system, at the fullest moment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.preflight.model import GIB, Finding
from infra.toolchain.versions import KUBERNETES_VERSION, PULUMI_VERSION

GO_BUILD = 8.0
GO_MODULES = 5.5
TOOLS = 1.2
IMAGES = 3.0
HOSTS_FIRST = 4.0
HOSTS_MORE = 2.5
HOME = 0.2
"""GiB. Measured: Go's build cache at its fullest (removed after building; 7.3), the sources it fetches (5.3), the tools
(1.0). With room to spare, not measured: the image blobs with their base, the first host and each further one, and an
installation's folder."""

_ARCHIVES = "images of archives"
_UNPACKED = 2.0
"""Times the size in an archive, where layers are compressed. Not measured."""

SPARE = 1.0
"""GiB that must stay free: below, kubelet begins to evict pods."""


@dataclass(frozen=True)
class Need:
    """What a folder will take, GiB, while tools are built and afterwards."""

    folder: Path
    what: str
    building: float
    afterwards: float


@dataclass(frozen=True)
class FileSystem:
    """Where a folder is or will be: the device, a name for messages, and free bytes."""

    device: int
    mount: str
    free: int


@dataclass(frozen=True)
class Begun:
    """What a killed run has written already: GiB in Go's build cache, and whether the sources are there."""

    build_cache: float = 0.0
    fetched: bool = False


def needs(
    cache: Path,
    modules: Path | None,
    hosts: Path | None,
    home: Path,
    *,
    nodes: int,
    building: bool,
    installed: bool,
    begun: Begun = Begun(),
    archives: float = 0.0,
) -> tuple[Need, ...]:
    """What is still to be written. `modules` is Go's module cache, None where there is no Go; `hosts` None where no
    cluster is made here; `archives`: GiB of images that are given and not in the cache yet, which hosts unpack."""
    found = [Need(home, "the installation", HOME, HOME)]
    if archives:
        found.append(Need(cache, _ARCHIVES, archives, archives))
        if hosts is not None:
            found.append(Need(hosts, _ARCHIVES, 0.0, archives * _UNPACKED * nodes))
    if installed and not building:
        return tuple(found)
    if building:
        # What is in the build cache now is free again afterwards.
        found.append(Need(cache, "tools", max(GO_BUILD - begun.build_cache, 0.0) + TOOLS, TOOLS - begun.build_cache))
        if modules is not None and not begun.fetched:
            found.append(Need(modules, "their sources", GO_MODULES, GO_MODULES))
    if not installed:
        found.append(Need(cache, "images", 0.0, IMAGES))
        if hosts is not None:
            found.append(Need(hosts, "hosts", 0.0, HOSTS_FIRST + HOSTS_MORE * (nodes - 1)))
    return tuple(found)


def findings(wanted: Sequence[Need], where: Mapping[Path, FileSystem]) -> list[Finding]:
    """One for each file system. Pure."""
    found = []
    for device in dict.fromkeys(where[need.folder].device for need in wanted):
        here = [need for need in wanted if where[need.folder].device == device]
        system = where[here[0].folder]
        peak = max(sum(need.building for need in here), sum(need.afterwards for need in here)) + SPARE
        free = system.free / GIB
        what = ", ".join(dict.fromkeys(need.what for need in here))
        words = f"{free:.1f} GiB free on {system.mount}"
        if free >= peak:
            found.append(Finding(f"disk {system.mount}", True, f"{words}, {peak:.1f} GiB needed for {what}"))
        else:
            found.append(
                Finding(
                    f"disk {system.mount}",
                    False,
                    f"{words}, but {peak:.1f} GiB are needed for {what}.",
                    "Free some space, or move the caches to another disk (MLP_CACHE, GOMODCACHE).",
                )
            )
    return found


def begun(go_build: Path, modules: Path | None) -> Begun:
    """Looks at both caches. The sources count as there when the largest two modules are."""
    size = sum(file.stat().st_blocks * 512 for file in go_build.glob("*/*")) if go_build.is_dir() else 0
    largest = (f"k8s.io/kubernetes@v{KUBERNETES_VERSION}", f"github.com/pulumi/pulumi/pkg/v3@v{PULUMI_VERSION}")
    return Begun(size / GIB, modules is not None and all((modules / folder).is_dir() for folder in largest))


def probe(folders: Sequence[Path]) -> dict[Path, FileSystem]:
    """Where each folder is, or will be made."""
    return {folder: _file_system(folder) for folder in folders}


def _file_system(folder: Path) -> FileSystem:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    device = existing.stat().st_dev
    mount = existing.resolve()
    while mount != mount.parent and mount.parent.stat().st_dev == device:
        mount = mount.parent
    status = os.statvfs(existing)
    return FileSystem(device, str(mount), status.f_bavail * status.f_frsize)
