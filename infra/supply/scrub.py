"""Removes from a Debian root what differs from build to build, what belongs to the building machine, and keys.

A key made while a package was set up would be the same in every installation; whoever needs one makes it at run time.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from infra.supply.tree import EPOCH, remove_where

_EMPTIED = ("dev", "proc", "run", "sys", "tmp", "var/tmp", "var/lib/apt", "etc/apt", "mnt", "root")
_WITHOUT_FILES = ("var/log", "var/cache")
"""Packages own the folders in these."""
_REMOVED = (
    "etc/*-",
    "etc/.pwd.lock",
    "etc/fstab",
    "etc/machine-id",
    "etc/ssl/private/*",
    "etc/ssl/certs/ssl-cert-snakeoil.pem",
    "etc/resolv.conf",
    "etc/hostname",
    "usr/sbin/policy-rc.d",
    "usr/share/doc/*/changelog*",
    "var/lib/dpkg/*-old",
    "var/lib/dpkg/lock*",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/systemd/*",
    "var/lib/postgresql/*/main",
)
_MOUNT_POINTS = ("etc/hostname", "etc/resolv.conf")
"""Left as empty files: the node puts a pod's own over them."""

_CHANGED_ON = re.compile(r"^([^:\n]*:[^:\n]*:)\d+(?=:)", re.MULTILINE)


def scrub(root: Path) -> None:
    """Changes the tree at `root` in place. Idempotent."""
    for name in _EMPTIED:
        if (root / name).is_dir():
            _empty(root / name)
    for pattern in _REMOVED:
        for path in root.glob(pattern):
            _remove(path)
    for name in _MOUNT_POINTS:
        (root / name).touch(mode=0o644)
    for name in _WITHOUT_FILES:
        remove_where(root / name, lambda path: not path.is_dir())
    for path in (root / "etc/ssl/certs").iterdir():
        if path.is_symlink() and path.readlink().name == "ssl-cert-snakeoil.pem":
            path.unlink()
    if (shadow := root / "etc/shadow").exists():
        shadow.write_text(_CHANGED_ON.sub(rf"\g<1>{EPOCH // 86400}", shadow.read_text()))


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
