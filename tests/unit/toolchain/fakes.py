"""Tiny programs that stand in for go, apt-get and dpkg-deb on a PATH of the test's own. Each logs how it was called."""

from __future__ import annotations

import struct
from pathlib import Path

from infra.toolchain.versions import GoTool

MODULE = "demo"


def program(folder: Path, name: str, body: str) -> Path:
    """An executable shell script that appends its arguments to `<name>.log` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$*" >> "{folder}/{name}.log"\n{body}\n')
    path.chmod(0o755)
    return path


def calls(folder: Path, name: str) -> list[str]:
    """The argument lines of every call of a fake program."""
    log = folder / f"{name}.log"
    return log.read_text().splitlines() if log.exists() else []


def go(folder: Path, version: str = "go1.26.8", toolchain: str = "auto", says: str = "v$VERSION") -> Path:
    """A compiler whose binaries are scripts that print `says`; `-X main.Version=` sets $VERSION."""
    return program(
        folder,
        "go",
        f"""
case "$1" in
env) echo {version}; echo {toolchain};;
list) ;;
build)
  while [ $# -gt 1 ]; do
    case "$1" in
      -o) out=$2;;
      -ldflags) VERSION=$(echo "$2" | sed -n 's/.*main.Version=//p');;
    esac
    shift
  done
  mkdir -p "$GOCACHE"; echo warm > "$GOCACHE/entry"
  printf '#!/bin/sh\\necho "{says}"\\n' | sed "s/[$]VERSION/$VERSION/" > "$out"; chmod 755 "$out";;
esac""",
    )


def go_with_module(folder: Path, files: Path) -> Path:
    """A compiler that has fetched one module, whose folder is `files`."""
    return program(
        folder,
        "go",
        f"""
case "$1" in
env) echo go1.26.8; echo local;;
mod) printf '{{"Path": "%s", "Dir": "%s"}}' "$4" '{files}';;
esac""",
    )


def modules(folder: Path) -> Path:
    """A folder of pinned modules with one that needs no network."""
    module = folder / MODULE
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module demo\n")
    (module / "go.sum").write_text("")
    return folder


def demo(name: str = "demo", version: str = "1.2.3") -> GoTool:
    """An entry of a version list for the fake compiler."""
    return GoTool(
        name=name,
        version=version,
        module=MODULE,
        package=f"demo/{name}",
        licence="ours",
        seconds=1,
        defines=(f"main.Version={version}",),
    )


def elf(dynamic: bool) -> bytes:
    """The head of a 64-bit ELF program with one program header: the dynamic linker's, or a loadable segment's."""
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, 1)
    segment = bytearray(56)
    struct.pack_into("<I", segment, 0, 3 if dynamic else 1)
    return bytes(header + segment)
