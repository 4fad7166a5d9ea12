"""File trees as tar layers that depend on their content alone: sorted, numeric owners, one fixed time, no devices."""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

EPOCH = 1767225600
"""2026-01-01T00:00:00Z in seconds: the time of every file in every layer, and SOURCE_DATE_EPOCH while building."""

WHITEOUT = ".wh."
"""A layer removes `name` of the layers below by an empty file `.wh.name` beside it."""


@dataclass(frozen=True)
class Entry:
    """One member of a layer. `path` is relative to the image's root; a file's content is `source` or else `content`."""

    path: str
    kind: Literal["file", "dir", "symlink", "hardlink"] = "file"
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    link: str = ""
    source: Path | None = None
    content: bytes = b""


def directory(path: str, mode: int = 0o755) -> Entry:
    return Entry(path=path, kind="dir", mode=mode)


def whiteout(path: str) -> Entry:
    """Removes `path` and everything below it."""
    pure = PurePosixPath(path)
    return Entry(path=str(pure.with_name(WHITEOUT + pure.name)))


def scan(root: Path, prefix: str = "", keep_owner: bool = False) -> Iterator[Entry]:
    """Every file, directory and symbolic link below `root`, each with `prefix` before its path.

    With `keep_owner`, owners and modes are taken as they are, but no file keeps setuid or setgid: nothing in these
    images may gain rights. Without it all belong to root and are readable by all. Devices, sockets and pipes are left
    out, and so are extended attributes.
    """
    pending = [root]
    while pending:
        folder = pending.pop()
        for item in os.scandir(folder):
            path = Path(item.path)
            status = item.stat(follow_symlinks=False)
            name = f"{prefix}{path.relative_to(root).as_posix()}"
            owner = (status.st_uid, status.st_gid) if keep_owner else (0, 0)
            if stat.S_ISDIR(status.st_mode):
                mode = stat.S_IMODE(status.st_mode) if keep_owner else 0o755
                yield Entry(name, "dir", mode, *owner)
                pending.append(path)
            elif stat.S_ISLNK(status.st_mode):
                yield Entry(name, "symlink", 0o777, *owner, link=str(path.readlink()))
            elif stat.S_ISREG(status.st_mode):
                executable = 0o755 if status.st_mode & 0o111 else 0o644
                mode = stat.S_IMODE(status.st_mode) & ~0o6000 if keep_owner else executable
                yield Entry(name, "file", mode, *owner, source=path)


def parents(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The directories above `entries`, as root's and readable by all."""
    seen: set[str] = set()
    for entry in entries:
        for parent in PurePosixPath(entry.path).parents:
            if (name := str(parent)) != "." and name not in seen:
                seen.add(name)
                yield directory(name)


def difference(base: Iterable[Entry], changed: Iterable[Entry]) -> list[Entry]:
    """What turns the tree `base` into `changed`: new and changed members with the directories above them, whiteouts.

    Compares kind, mode, owner, link and content; times do not count. Below a removed directory only the directory
    itself is named.
    """
    before = {entry.path: entry for entry in base}
    after = {entry.path: entry for entry in changed}
    kept = {path for path, entry in after.items() if path not in before or not _same(before[path], entry)}
    removed = {path for path in before if path not in after and _parent_stays(path, before, after)}
    for path in kept | removed:
        kept |= {str(parent) for parent in PurePosixPath(path).parents if str(parent) in after} - kept
    return [after[path] for path in kept] + [whiteout(path) for path in removed]


def _parent_stays(path: str, before: dict[str, Entry], after: dict[str, Entry]) -> bool:
    parent = str(PurePosixPath(path).parent)
    return parent == "." or (parent in after and after[parent].kind == before[parent].kind == "dir")


def _same(one: Entry, other: Entry) -> bool:
    if replace(one, source=None) != replace(other, source=None):
        return False
    if one.source is None or other.source is None:
        return one.source is other.source
    return filecmp.cmp(one.source, other.source, shallow=False)


def write_layer(entries: Iterable[Entry], stream: BinaryIO, hard_links: bool = False) -> None:
    """Writes an uncompressed tar. With `hard_links`, files of one inode become links to the first in path order."""
    ordered = sorted(entries, key=lambda entry: PurePosixPath(entry.path).parts)
    members = _link_same_inodes(ordered) if hard_links else ordered
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as archive:
        for entry in members:
            info = _header(entry)
            if not info.isreg():
                archive.addfile(info)
            elif entry.source is None:
                archive.addfile(info, BytesIO(entry.content))
            else:
                with entry.source.open("rb") as handle:
                    archive.addfile(info, handle)


def _link_same_inodes(entries: Iterable[Entry]) -> Iterator[Entry]:
    first: dict[tuple[int, int], str] = {}
    for entry in entries:
        if entry.source is None:
            yield entry
            continue
        status = entry.source.stat()
        inode = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and inode in first:
            yield replace(entry, kind="hardlink", link=first[inode], source=None)
        else:
            first[inode] = entry.path
            yield entry


_TYPES = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE}


def _header(entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.path)
    info.type = _TYPES[entry.kind]
    info.mode = entry.mode
    info.uid, info.gid = entry.uid, entry.gid
    info.mtime = EPOCH
    info.linkname = entry.link
    if entry.kind == "file":
        info.size = entry.source.stat().st_size if entry.source else len(entry.content)
    return info


def remove_where(root: Path, unwanted: Callable[[Path], bool]) -> None:
    """Removes the files and folders below `root` that `unwanted` says yes to; symbolic links are not followed."""
    for folder, folders, files in os.walk(root):
        for name in list(folders):
            path = Path(folder, name)
            if not path.is_symlink() and unwanted(path):
                shutil.rmtree(path)
                folders.remove(name)
        for name in files:
            if unwanted(path := Path(folder, name)):
                path.unlink()
