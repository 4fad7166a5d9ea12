"""Layers that are files: static binaries, project source, fixed text, and the skeleton of images without Debian."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from components.images import GoBinary, SourceTree, TextFile
from infra.supply import users
from infra.supply.bytecode import compile_tree
from infra.supply.errors import BadImage, SourceChanged
from infra.supply.process import require_root
from infra.supply.recipes import SourceFile, binary_path
from infra.supply.store import FileDigests, content_digest
from infra.supply.tree import Entry, directory, parents, scan, write_layer

_LEFT_OUT = frozenset({"tests", "__pycache__", "node_modules"})

_SKELETON = (
    *(
        directory(path)
        for path in ("dev", "etc", "home", "proc", "run", "sys", "usr", "usr/local", "usr/local/bin", "var")
    ),
    directory("root", 0o700),
    directory("tmp", 0o1777),
    Entry("home/nonroot", "dir", 0o750, users.NONROOT, users.NONROOT),
    Entry("etc/passwd", content=f"root:x:0:0:root:/root:/sbin/nologin\n{users.NONROOT_USER}".encode()),
    Entry("etc/group", content=f"root:x:0:\n{users.NONROOT_GROUP}".encode()),
)


def write_skeleton(stream: BinaryIO) -> None:
    """Folders every program may expect, and names for the users that images run as."""
    write_layer(_SKELETON, stream)


def write_binary(layer: GoBinary, binary: Path, stream: BinaryIO) -> None:
    entry = Entry(binary_path(layer), mode=0o755, source=binary)
    write_layer([entry], stream)


def write_text(layer: TextFile, stream: BinaryIO) -> None:
    """One file. Folders above it are not named: those of the base keep their owner, new ones are root's."""
    write_layer([Entry(layer.path.lstrip("/"), mode=layer.mode, content=layer.content.encode())], stream)


def source_files(project_root: Path, layer: SourceTree, digests: FileDigests) -> list[SourceFile]:
    """The project's files that the layer takes, with their digests.

    Tests, caches, hidden files and compiled files stay out. Raises BadImage for a path that is not there, lies outside
    the project or is a symbolic link.
    """
    root = project_root.resolve()
    files: dict[str, SourceFile] = {}
    for name in layer.paths:
        start = root / name
        if not start.resolve().is_relative_to(root) or not start.exists():
            raise BadImage(
                f"A source layer names {name!r}, which is not a file or folder of the project. Correct the path."
            )
        for path in _walk(start):
            relative = path.relative_to(root).as_posix()
            if path.is_symlink():
                raise BadImage(f"A source layer would take {relative!r}, a symbolic link. Put a file in its place.")
            executable = bool(path.stat().st_mode & 0o111)
            files[relative] = SourceFile(relative, digests.of(path), executable)
    return list(files.values())


def stage_source(
    layer: SourceTree, files: list[SourceFile], project_root: Path, base_root: Path | None, work: Path
) -> Path:
    """Copies the files below `work`; with a base, Python modules are compiled as that Python wants them.

    Raises SourceChanged where a file is not the one that was looked at before: the layer would not be its recipe's.
    """
    staged = work / "source"
    staged.mkdir()
    for file in files:
        target = staged / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project_root / file.path, target)
        if content_digest(target) != file.digest:
            raise SourceChanged(f"{file.path} changed while an image was made from it. Run the same command again.")
        target.chmod(0o755 if file.executable else 0o644)
    if base_root is not None and any(file.path.endswith(".py") for file in files):
        require_root()
        compile_tree(base_root, staged, layer.dest, f"source of {', '.join(layer.paths)}")
    return staged


def write_source(layer: SourceTree, staged: Path, stream: BinaryIO) -> None:
    """The staged files below `layer.dest`, as root's and readable by all."""
    entries = list(scan(staged, prefix=f"{layer.dest.strip('/')}/"))
    write_layer([*parents(entries), *entries], stream)


def _walk(start: Path) -> Iterator[Path]:
    if start.is_file() or start.is_symlink():
        yield start
        return
    for path in sorted(start.iterdir()):
        if path.name in _LEFT_OUT or path.name.startswith(".") or path.suffix == ".pyc":
            continue
        yield from _walk(path)
