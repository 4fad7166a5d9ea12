"""A project's files as one archive."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

LARGEST = 200 * 2**20
"""Bytes of all files together. Data belongs into the bucket, not into a project."""
_LEFT_OUT = frozenset({".git", ".hg", "mlruns", "mlartifacts", "__pycache__", ".venv", "venv", "node_modules"})


class TooLarge(Exception):
    """The project holds more than `LARGEST`; the message names what to do."""


def pack(project: Path, archive: Path) -> None:
    """Files, folders and links within the project, without what tools leave in it. Raises TooLarge."""
    size = 0
    with tarfile.open(archive, "w:gz") as target:
        for folder, names, files in os.walk(project):
            names[:] = sorted(name for name in names if name not in _LEFT_OUT)
            for name in sorted(files):
                path = Path(folder) / name
                if path.is_symlink() and not path.resolve().is_relative_to(project.resolve()):
                    continue
                if not path.is_file():
                    continue
                size += path.stat().st_size
                if size > LARGEST:
                    limit = f"{LARGEST // 2**20} MiB"
                    raise TooLarge(f"the project's files take more than {limit}; keep data in the workspace's bucket")
                target.add(path, arcname=str(path.relative_to(project)), recursive=False)


def unpack(archive: Path, target: Path) -> None:
    """Nothing of the archive lands outside of the folder."""
    with tarfile.open(archive) as source:
        source.extractall(target, filter="data")
