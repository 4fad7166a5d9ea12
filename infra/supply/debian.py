"""Debian layers: the base by mmdebstrap, package layers as the difference that apt makes to a copy of the base.

Downloads happen on this machine with its apt settings; packages are then set up inside the root without a network, in
namespaces that end with the last command. Services are refused a start, and nothing of this machine (sources,
resolv.conf, host name, proxies) stays in the result.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from infra.supply import host_apt, users
from infra.supply.bytecode import compile_tree
from infra.supply.errors import BuildFailed
from infra.supply.model import Tools
from infra.supply.process import CLEAN, host_environment, require_root, run, run_isolated
from infra.supply.recipes import BASE_PACKAGES, DEBIAN_RELEASE, LEFT_OUT
from infra.supply.scrub import scrub
from infra.supply.tree import EPOCH, difference, scan, write_layer

PYTHON_FOLDERS = ("usr/lib/python3", "usr/lib/python3.13")

_PRESET = (("postgresql", "etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n"),)
"""(Beginning of a package's name, path, content): files that keep a package from making data while it is set up."""

_SETUP = """\
set -eu
root=$1; shift
mount -t tmpfs -o mode=755 none "$root/dev"
for node in null zero full random urandom; do
  : > "$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"
mount -t proc proc "$root/proc"
exec "$@"
"""

_NO_SERVICES = "#!/bin/sh\nexit 101\n"


@dataclass(frozen=True)
class DebianResult:
    """Writes the layer when called; `packages` are (name, version) of what it adds or changes."""

    write: Callable[[BinaryIO], None]
    packages: list[list[str]]


def build_base(work: Path, tools: Tools, what: str) -> DebianResult:
    """Makes the base's tree below `work`. Raises a SupplyError."""
    require_root()
    root = work / "root"
    tool = tools.ensure(["mmdebstrap"])["mmdebstrap"]
    _write_sources(work)
    (work / "apt.conf").write_text(host_apt.reach_settings())
    (work / "dpkg.cfg").write_text("".join(f"{line}\n" for line in LEFT_OUT))
    search = f"{tool.path.parent}:{CLEAN['PATH']}"
    environment = {**host_environment(), **CLEAN, **tool.env, "PATH": search, "SOURCE_DATE_EPOCH": str(EPOCH)}
    command = [
        str(tool.path),
        "--variant=essential",
        "--mode=root",
        "--format=directory",
        "--skip=output/dev",
        f"--include={','.join(BASE_PACKAGES)}",
        f"--aptopt={work / 'apt.conf'}",
        f"--dpkgopt={work / 'dpkg.cfg'}",
        DEBIAN_RELEASE,
        str(root),
        str(work / "sources.list"),
    ]
    run_isolated(command, what, environment)
    _add_user(root)
    (root / "usr/local/bin/python").symlink_to("../../bin/python3")
    (root / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").rename(root / "etc/dpkg/dpkg.cfg.d/excludes")
    scrub(root)
    _compile(root, root, what)
    versions = package_versions((root / "var/lib/dpkg/status").read_text())
    packages = [[name, version] for name, version in sorted(versions.items())]
    return DebianResult(lambda stream: write_layer(scan(root, keep_owner=True), stream, hard_links=True), packages)


def build_packages(work: Path, base_root: Path, packages: Sequence[str], what: str) -> DebianResult:
    """Sets up `packages` in a copy of the base; the layer is what that changed. Raises a SupplyError."""
    require_root()
    root = work / "root"
    run(["cp", "-a", "--reflink=auto", str(base_root), str(root)], what, CLEAN)
    before = package_versions((root / "var/lib/dpkg/status").read_text())
    _preset(root, packages)
    install(work, root, packages, what)
    scrub(root)
    changed = difference(scan(base_root, keep_owner=True), scan(root, keep_owner=True))
    if any(entry.path.startswith(PYTHON_FOLDERS) for entry in changed):
        _compile(base_root, root, what)
        changed = difference(scan(base_root, keep_owner=True), scan(root, keep_owner=True))
    after = package_versions((root / "var/lib/dpkg/status").read_text())
    added = [[name, version] for name, version in sorted(after.items()) if before.get(name) != version]
    return DebianResult(lambda stream: write_layer(changed, stream, hard_links=True), added)


def install(work: Path, root: Path, packages: Sequence[str], what: str) -> None:
    """`apt-get install` from outside: downloads with this machine's settings, then sets up without a network."""
    _write_sources(work)
    (work / "empty").mkdir()
    (work / "lists/partial").mkdir(parents=True)
    for folder in ("var/cache/apt/archives/partial", "var/lib/apt", "var/log/apt"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (work / "apt.conf").write_text(host_apt.reach_settings() + apt_configuration(work, root))
    environment = {
        **host_environment(),
        **CLEAN,
        "APT_CONFIG": str(work / "apt.conf"),
        "DEBIAN_FRONTEND": "noninteractive",
        "DEBCONF_NONINTERACTIVE_SEEN": "true",
        "SOURCE_DATE_EPOCH": str(EPOCH),
    }
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(_NO_SERVICES)
    policy.chmod(0o755)
    run(["apt-get", "update"], what, environment)
    run(["apt-get", "install", "--yes", "--download-only", *packages], what, environment)
    set_up = ["apt-get", "install", "--yes", "--no-download", *packages]
    run_isolated(["sh", "-c", _SETUP, "sh", str(root), *set_up], what, environment, network=False)
    policy.unlink()


def apt_configuration(work: Path, root: Path) -> str:
    """Makes apt work on `root` with sources and lists in `work`, and read nothing else of this machine's."""
    return "".join(
        f"{line};\n"
        for line in (
            f'Dir "{root}"',
            f'Dir::State::status "{root}/var/lib/dpkg/status"',
            f'Dir::State::lists "{work}/lists"',
            f'Dir::Etc::sourcelist "{work}/sources.list"',
            f'Dir::Etc::sourceparts "{work}/empty"',
            f'Dir::Etc::parts "{work}/empty"',
            f'Dir::Etc::preferencesparts "{work}/empty"',
            'Dir::Etc::trusted "/etc/apt/trusted.gpg"',
            'Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d"',
            'Dir::Bin::solvers "/usr/lib/apt/solvers"',
            'Dir::Bin::methods "/usr/lib/apt/methods"',
            f'DPkg::Chroot-Directory "{root}"',
            'DPkg::Options { "--force-confold"; "--force-unsafe-io"; }',
            'DPkg::Use-Pty "false"',
            'APT::Install-Recommends "false"',
            'APT::Update::Error-Mode "any"',
            'APT::Sandbox::User "root"',
            'Acquire::Languages "none"',
        )
    )


def package_versions(status: str) -> dict[str, str]:
    """dpkg's status file → versions of installed packages by name."""
    versions: dict[str, str] = {}
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            versions[fields["Package"]] = fields["Version"]
    return versions


def python_version(packages: Sequence[Sequence[str]]) -> str:
    """The exact version of the base's Python from its receipt."""
    versions = [version for name, version in packages if name.endswith("-minimal") and name.startswith("libpython3.")]
    if len(versions) != 1:
        raise BuildFailed(f"The Debian base holds {len(versions)} Pythons; exactly one was expected.")
    return versions[0]


def _write_sources(work: Path) -> None:
    """In a file of a private folder: an address may hold credentials, which an argument would show to everybody."""
    (work / "sources.list").write_text("".join(f"{line}\n" for line in host_apt.source_lines(DEBIAN_RELEASE)))


def _preset(root: Path, packages: Sequence[str]) -> None:
    for package, name, content in _PRESET:
        if any(wanted.startswith(package) for wanted in packages):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


def _compile(base_root: Path, root: Path, what: str) -> None:
    for folder in PYTHON_FOLDERS:
        if (root / folder).is_dir():
            compile_tree(base_root, root / folder, f"/{folder}", what)


def _add_user(root: Path) -> None:
    """The user that images run as by default has a name, as programs that ask for their own (PostgreSQL) want."""
    with (root / "etc/passwd").open("a") as handle:
        handle.write(users.NONROOT_USER)
    with (root / "etc/group").open("a") as handle:
        handle.write(users.NONROOT_GROUP)
    home = root / "home/nonroot"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o750)
    os.chown(home, users.NONROOT, users.NONROOT)
