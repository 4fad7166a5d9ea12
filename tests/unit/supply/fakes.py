"""A toolchain of small files, trees from dictionaries, and a reader of layers that knows whiteouts."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.supply.tree import WHITEOUT

Tree = Mapping[str, str | None]
"""Path → content; None is a folder, content beginning with `-> ` a symbolic link."""


@dataclass(frozen=True)
class FakeTool:
    path: Path
    env: Mapping[str, str] = field(default_factory=dict)


class FakeTools:
    """Gives files of `folder` as tools and remembers what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def put(self, name: str, content: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content)

    def ensure(self, names: Collection[str]) -> dict[str, FakeTool]:
        self.asked += names
        return {name: FakeTool(self.folder / name) for name in names}


def make_tree(root: Path, tree: Tree) -> Path:
    """Writes the tree; order of creation follows the mapping, so that two trees differ in inodes and times."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_text(content)
    return root


def read_tree(root: Path) -> dict[str, str | None]:
    """The inverse of `make_tree`."""
    found: dict[str, str | None] = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder, name)
            key = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[key] = f"-> {path.readlink()}"
            else:
                found[key] = None if path.is_dir() else path.read_text()
    return found


def members(layer: bytes) -> dict[str, tarfile.TarInfo]:
    """A layer's members by path, in their order."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return {member.name: member for member in archive}


def apply(layer: bytes, root: Path) -> None:
    """Puts a layer on a tree as the image specification says: whiteouts remove, other kinds replace."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for member in archive:
            path = root / member.name
            if path.name.startswith(WHITEOUT):
                _remove(path.with_name(path.name.removeprefix(WHITEOUT)))
                continue
            if os.path.lexists(path) and not (member.isdir() and path.is_dir() and not path.is_symlink()):
                _remove(path)
            archive.extract(member, root, filter="tar")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
