"""Asks the machine what the profile's validation may not: every question, with the remedy where the answer is no.

Only this module and the `probe` functions touch the machine; what an answer means is decided by pure functions.
Nothing is changed, and no network is used.
"""

from __future__ import annotations

import os
import platform as uname
import shutil
import sys
from pathlib import Path

from infra.hosts import cgroups
from infra.preflight import control_groups, disk, kernel, leftovers, machine, ports
from infra.preflight.model import GIB, Finding, Inputs
from infra.toolchain import debian, golang
from infra.toolchain.cache import Cache
from infra.toolchain.errors import ToolchainError
from infra.toolchain.processes import Children

_MEMINFO = Path("/proc/meminfo")
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")


def check(inputs: Inputs) -> list[Finding]:
    """All findings, in the order in which a person would mend them. Takes about a second."""
    found = [machine.python((sys.version_info.major, sys.version_info.minor), sys.executable)]
    if inputs.local:
        found += _local(inputs)
    found += [_debian(inputs)]
    modules = None
    if inputs.building:
        children = Children()
        found.append(_go(inputs, children))
        modules = golang.module_cache(children, inputs.search)
    return found + _disk(inputs, modules)


def _local(inputs: Inputs) -> list[Finding]:
    system = machine.system(uname.system(), uname.machine())
    if not system.ok and system.severity == "error":
        return [system]
    root = machine.root(os.geteuid())
    found = [system, root, machine.programs([name for name in machine.PROGRAMS if not _on_path(name, inputs)])]
    found.append(_control_groups())
    found += kernel.findings(kernel.probe()) if root.ok else kernel.not_tried()
    found.append(machine.memory(_MEMINFO.read_text(), inputs.nodes, inputs.installed))
    found.append(machine.inotify(int(_INOTIFY.read_text()) if _INOTIFY.exists() else None, inputs.nodes))
    found += ports.duplicates(inputs.ports)
    found += ports.findings(inputs.ports, ports.probe(inputs.ports.values()), inputs.installation)
    if root.ok:  # hosts' folders are readable by root only
        found += leftovers.findings(leftovers.probe(inputs.installation, inputs.hosts_root), inputs.nodes)
    return found


def _on_path(name: str, inputs: Inputs) -> bool:
    return shutil.which(name, path=inputs.search) is not None


def _control_groups() -> Finding:
    hierarchies = cgroups.hierarchies()
    unified: list[str] = []
    for hierarchy in hierarchies:
        listed = hierarchy.mount / "cgroup.controllers"
        if hierarchy.unified and listed.is_file():
            unified += listed.read_text().split()
    read_only = [str(one.mount) for one in hierarchies if os.statvfs(one.mount).f_flag & os.ST_RDONLY]
    return control_groups.control_groups(hierarchies, unified, read_only)


def _debian(inputs: Inputs) -> Finding:
    try:
        debian.clients(inputs.search)
    except ToolchainError as error:
        return Finding("debian", False, error.fact, error.remedy)
    return Finding("debian", True, f"apt-get and dpkg-deb of {debian.machine_release() or 'an unnamed release'}")


def _go(inputs: Inputs, children: Children) -> Finding:
    try:
        go = golang.find(children, inputs.search)
    except ToolchainError as error:
        return Finding("go", False, error.fact, error.remedy)
    return Finding("go", True, f"Go {go.version} at {go.path}")


def _disk(inputs: Inputs, modules: Path | None) -> list[Finding]:
    wanted = disk.needs(
        inputs.cache_root,
        modules,
        inputs.hosts_root if inputs.local else None,
        inputs.home_root,
        nodes=inputs.nodes,
        building=inputs.building,
        installed=inputs.installed,
        begun=disk.begun(Cache(inputs.cache_root).go_build, modules) if inputs.building else disk.Begun(),
        archives=inputs.archives / GIB,
    )
    return disk.findings(wanted, disk.probe([need.folder for need in wanted]))
