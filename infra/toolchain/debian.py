"""Debian packages as tools: fetched by apt-get and unpacked below the cache. Nothing is installed or started.

apt itself says what a package needs, asked with an empty list of installed packages; what every Debian has (the
essential packages and apt) is taken out, so that a tool never brings a C library of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import versions
from infra.toolchain.errors import (
    BuildFailed,
    DebianMissing,
    PackageMissing,
    RegistryUnreachable,
    translate,
    wrong_version,
)
from infra.toolchain.golang import free_space
from infra.toolchain.processes import Children, Result
from infra.toolchain.versions import DebianTool

OS_RELEASE = Path("/etc/os-release")
BASE = ("?essential", "apt", "usr-is-merged")
"""The last one so that apt does not choose its alternative, which would count all of Perl as base."""
EXECUTABLE_FOLDERS = ("usr/sbin", "usr/bin", "sbin", "bin", "usr/lib/cni")
LIBRARY_FOLDERS = ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*")
PERL_FOLDERS = (
    "usr/share/perl5",
    "usr/share/perl/5.[0-9][0-9]",
    "usr/lib/*-linux-gnu*/perl5/5.[0-9][0-9]",
    "usr/lib/*-linux-gnu*/perl/5.[0-9][0-9]",
)
XTABLES_FOLDERS = ("usr/lib/*-linux-gnu*/xtables",)

APT_SECONDS = 600
ASK_SECONDS = 10

_INSTALL = re.compile(r"^Inst (\S+) (?:\[[^\]]*\] )?\((\S+)", re.M)


@dataclass(frozen=True)
class Package:
    """A Debian package at the version that apt chose."""

    name: str
    version: str


def planned(simulation: str) -> tuple[Package, ...]:
    """What `apt-get --simulate install` would install, in its order."""
    return tuple(Package(name, version) for name, version in _INSTALL.findall(simulation))


def release(os_release: str) -> str:
    """The release's identity in an os-release file, such as `debian 12`, or `` where it has none."""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    return f"{fields.get('ID', '')} {fields.get('VERSION_ID', '')}".replace('"', "").strip()


def key(spec: DebianTool, on: str) -> str:
    """Digest of what decides about an unpacked tool: its entry in the version list and the machine's release."""
    parts = (spec.package, spec.executable, spec.at_least, spec.below, spec.links, spec.assumes, BASE, on)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def machine_release() -> str:
    """The release of this machine."""
    try:
        return release(OS_RELEASE.read_text())
    except OSError:
        return ""


def clients(search: str) -> tuple[str, str]:
    """apt-get and dpkg-deb on the given PATH. Raises DebianMissing."""
    found = {name: shutil.which(name, path=search) for name in ("apt-get", "dpkg-deb")}
    absent = [name for name, path in found.items() if path is None]
    if absent:
        raise DebianMissing(
            f"There is no {' and no '.join(absent)} on PATH; system tools are taken from Debian packages.",
            "Use a Debian or Ubuntu machine, put the tools that are missing on PATH yourself, "
            "or choose target `existing` with a cluster that is already there.",
        )
    return str(found["apt-get"]), str(found["dpkg-deb"])


def env_folders(root: Path) -> dict[str, tuple[str, ...]]:
    """Variable → folders below `root` that hold shared libraries, Perl modules and iptables extensions."""
    patterns = {"LD_LIBRARY_PATH": LIBRARY_FOLDERS, "PERL5LIB": PERL_FOLDERS, "XTABLES_LIBDIR": XTABLES_FOLDERS}
    found = {
        variable: tuple(
            str(folder.relative_to(root))
            for pattern in globs
            for folder in sorted(root.glob(pattern))
            if folder.is_dir() and (variable != "LD_LIBRARY_PATH" or any(folder.glob("*.so*")))
        )
        for variable, globs in patterns.items()
    }
    return {variable: folders for variable, folders in found.items() if folders}


def executable(root: Path, name: str) -> Path | None:
    """The file of that name in one of the folders for programs, or None."""
    return next((path for folder in EXECUTABLE_FOLDERS if (path := root / folder / name).is_file()), None)


def link(root: Path, links: Iterable[tuple[str, str]]) -> None:
    """Makes the names that Debian's installation scripts would have made, beside their targets."""
    for name, target in links:
        beside = executable(root, target)
        if beside is not None and not (beside.parent / name).exists():
            path = beside.parent / name
            path.unlink(missing_ok=True)
            path.symlink_to(target)


@dataclass(frozen=True)
class Unpacked:
    """A tool in its staging folder; paths are relative to it."""

    version: str
    executable: str
    env: dict[str, tuple[str, ...]]
    packages: tuple[str, ...]
    seconds: float


class Extractor:
    """Fetches and unpacks Debian tools."""

    def __init__(self, children: Children, search: str, scratch: Path) -> None:
        self._children, self._scratch = children, scratch
        self._apt_get, self._dpkg_deb = clients(search)
        self._base: frozenset[str] | None = None
        self._update_said: str | None = None
        """What `apt-get update` printed; it ends well even where it reached nothing."""

    def extract(self, spec: DebianTool, folder: Path) -> Unpacked:
        """Unpacks the tool and what it needs into `folder`/root. Raises ToolchainError."""
        began = time.monotonic()
        archives = folder / "archives"
        root = folder / "root"
        archives.mkdir()
        packages = self._packages(spec)
        try:
            self._download(spec, packages, archives)
        except PackageMissing:
            # Lists that are older than the mirror name files that are gone.
            self._update(spec)
            packages = self._packages(spec)
            self._download(spec, packages, archives)
        for archive in sorted(archives.glob("*.deb")):
            self._checked(spec, [self._dpkg_deb, "-x", str(archive), str(root)], "dpkg-deb -x")
        shutil.rmtree(archives)
        link(root, spec.links)
        path = executable(root, spec.executable)
        if path is None:
            raise BuildFailed(
                f"{spec.name}: Debian package {spec.package} holds no program named {spec.executable}.",
                "Put the tool on PATH yourself; the releases that were tried are Debian 12 and 13.",
            )
        env = {name: tuple(f"root/{part}" for part in parts) for name, parts in env_folders(root).items()}
        version = next(package.version for package in packages if package.name == spec.package)
        self._verify(spec, path, {name: ":".join(str(folder / part) for part in parts) for name, parts in env.items()})
        return Unpacked(
            version,
            str(path.relative_to(folder)),
            env,
            tuple(f"{package.name}={package.version}" for package in packages),
            time.monotonic() - began,
        )

    def _packages(self, spec: DebianTool) -> tuple[Package, ...]:
        try:
            return self._needed(spec)
        except PackageMissing:
            self._update(spec)
            self._base = None
            return self._needed(spec)

    def _needed(self, spec: DebianTool) -> tuple[Package, ...]:
        if self._base is None:
            self._base = frozenset(package.name for package in self._plan(spec, BASE))
        assumed = {package.name for package in self._plan(spec, spec.assumes)} if spec.assumes else set()
        left_out = (self._base | assumed) - {spec.package}
        return tuple(package for package in self._plan(spec, (spec.package,)) if package.name not in left_out)

    def _plan(self, spec: DebianTool, packages: tuple[str, ...]) -> tuple[Package, ...]:
        empty = self._scratch / "status"
        empty.touch()
        result = self._checked(
            spec,
            [
                self._apt_get,
                "--simulate",
                "--no-install-recommends",
                "-o",
                f"Dir::State::status={empty}",
                "-o",
                "Debug::NoLocking=1",
                "install",
                *packages,
            ],
            "apt-get --simulate install",
        )
        return planned(result.out)

    def _download(self, spec: DebianTool, packages: tuple[Package, ...], archives: Path) -> None:
        names = [f"{package.name}={package.version}" for package in packages]
        # apt's own user can't write below the cache; apt checks sizes and signed digests either way.
        sandbox = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
        self._checked(
            spec,
            [self._apt_get, *sandbox, "-o", "Acquire::Retries=2", "-qq", "download", *names],
            "apt-get download",
            archives,
        )

    def _update(self, spec: DebianTool) -> None:
        if self._update_said is None:
            self._update_said = ""
            self._update_said = self._checked(spec, [self._apt_get, "-qq", "update"], "apt-get update").said

    def _verify(self, spec: DebianTool, path: Path, env: dict[str, str]) -> None:
        if not spec.ask:
            return
        try:
            asked = self._children.run([str(path), *spec.ask], env={**os.environ, **env}, timeout=ASK_SECONDS)
        except (OSError, TimeoutError) as cause:
            raise wrong_version(spec, str(cause)) from cause
        version = versions.version_in(asked.said, str(path))
        if version is None or not versions.satisfies(spec, version):
            raise wrong_version(spec, asked.said)

    def _checked(self, spec: DebianTool, argv: list[str], words: str, cwd: Path | None = None) -> Result:
        env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        try:
            result = self._children.run(argv, env=env, cwd=cwd, timeout=APT_SECONDS)
        except (OSError, TimeoutError) as cause:
            raise BuildFailed(f"{spec.name}: {words} could not be run: {cause}.", "Run again.") from cause
        if result.code == 0:
            return result
        free = free_space(self._scratch)
        error = translate(spec.name, words, result.said, free)
        if isinstance(error, PackageMissing) and self._update_said:
            of_update = translate(spec.name, "apt-get update", self._update_said, free)
            if isinstance(of_update, RegistryUnreachable):
                raise of_update
        raise error
