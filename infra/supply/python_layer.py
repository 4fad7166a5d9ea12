"""Python layers: the wheels of a hash-pinned lock, chosen for the images' Python, installed from outside by uv."""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from uv import find_uv_bin

from infra.supply.bytecode import compile_tree
from infra.supply.errors import BadImage
from infra.supply.process import CLEAN, host_environment, require_root, run
from infra.supply.recipes import PYTHON_SERIES
from infra.supply.tree import parents, remove_where, scan, write_layer

DEST = "opt/python"

_GLIBC = "manylinux_2_40"
"""The newest wheel platform that uv knows; Debian 13 has glibc 2.41."""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_LAUNCHER = re.compile(rb"\A#!(?:/bin/sh\n'''exec' [^\n]*\n' '''|[^\n]*python[^\n]*)\n")
_OWN_TESTS = re.compile(rb"^\s*(?:from|import)\s[^\n]*\btests?\b", re.MULTILINE)
_TEST_FOLDERS = ("tests", "test")


@dataclass(frozen=True)
class PythonResult:
    """Writes the layer when called; `packages` are (name, version) of what is in it."""

    write: Callable[[BinaryIO], None]
    packages: list[list[str]]


def build(
    work: Path, base_root: Path, lock: Path, architecture: str, what: str, *, without: Sequence[str] = ()
) -> PythonResult:
    """Installs `lock` below `work` and compiles it with the base's Python. Raises a SupplyError."""
    require_root()
    target = work / "python"
    command = [
        find_uv_bin(),
        "pip",
        "install",
        f"--python={sys.executable}",
        f"--target={target}",
        f"--python-version={PYTHON_SERIES}",
        f"--python-platform={_MACHINES[architecture]}-{_GLIBC}",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        "--link-mode=copy",
        "--no-progress",
        f"--requirements={lock}",
    ]
    run(command, what, {**CLEAN, **host_environment()}, cwd=work)
    leave_out(target, without)
    tidy(target)
    compile_tree(base_root, target, f"/{DEST}", what)
    entries = list(scan(target, prefix=f"{DEST}/"))
    return PythonResult(lambda stream: write_layer([*parents(entries), *entries], stream), installed(target))


def leave_out(target: Path, globs: Sequence[str]) -> None:
    """Removes what the globs match. Raises BadImage for one that matches nothing: the package was laid out anew."""
    for glob in globs:
        found = list(target.glob(glob))
        if not found:
            raise BadImage(f"A layer of Python packages leaves out {glob!r}, which none of them has.")
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def tidy(target: Path) -> None:
    """Makes the tree independent of where it was made and smaller: launchers, install records, packages' own tests."""
    for script in (target / "bin").glob("*"):
        relocate(script)
    for name in (".lock", "CACHEDIR.TAG", ".gitignore"):
        (target / name).unlink(missing_ok=True)
    for package in target.iterdir():
        if package.is_dir() and not needs_own_tests(package):
            remove_where(package, lambda path: path.is_dir() and path.name in _TEST_FOLDERS)
    for info in target.glob("*.dist-info"):
        for name in ("direct_url.json", "uv_cache.json", "REQUESTED"):
            (info / name).unlink(missing_ok=True)
        if (record := info / "RECORD").exists():
            record.write_text(tidied_record(record.read_text(), target))


def relocate(script: Path) -> None:
    """Points a launcher at the images' Python instead of this machine's."""
    content = script.read_bytes()
    changed = _LAUNCHER.sub(b"#!/usr/bin/python3\n", content, count=1)
    if changed != content:
        mode = script.stat().st_mode
        script.unlink()
        script.write_bytes(changed)
        script.chmod(mode)


def needs_own_tests(package: Path) -> bool:
    """Whether code outside a package's test folders imports something named test or tests."""
    for path in package.rglob("*.py"):
        outside = not any(part in _TEST_FOLDERS for part in path.relative_to(package).parts[:-1])
        if outside and _OWN_TESTS.search(path.read_bytes()):
            return True
    return False


def tidied_record(record: str, target: Path) -> str:
    """An installed distribution's RECORD with only the files that are there, in order, launchers without a hash.

    importlib.metadata finds a module's distribution through it, and MLflow a model's requirements.
    """
    rows = []
    for row in csv.reader(io.StringIO(record)):
        relative = row[0].removeprefix("../../")
        if (target / relative).exists():
            rows.append([relative, "", ""] if relative.startswith("bin/") else [relative, *row[1:]])
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(sorted(rows))
    return out.getvalue()


def installed(target: Path) -> list[list[str]]:
    """(name, version) of the distributions in the tree."""
    return sorted(info.name.removesuffix(".dist-info").split("-", 1) for info in target.glob("*.dist-info"))
