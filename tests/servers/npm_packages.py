"""Servers that only npm has: installed once from the lock in tests/servers/npm, into the cache."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from infra.installation.home import cache_root

_HERE = Path(__file__).parent / "npm"
_FILES = ("package.json", "package-lock.json")


class NpmMissing(RuntimeError):
    """There is no node and npm on PATH."""


def node() -> str:
    """Raises NpmMissing."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise NpmMissing("node and npm are not on PATH")
    return found


def installed() -> Path:
    """The node_modules folder of the lock. No package's scripts are run. Raises NpmMissing, CalledProcessError."""
    node()
    digest = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    folder = cache_root() / "npm" / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as name:
        made = Path(name) / "made"
        made.mkdir()
        for each in _FILES:
            shutil.copy(_HERE / each, made / each)
        command = ["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=made, check=True, timeout=600)
        made.rename(folder)
