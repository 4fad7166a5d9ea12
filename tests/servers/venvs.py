"""Virtual environments of locked packages, kept in the cache folder: one for each lock."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from infra.installation.home import cache_root


def environment(lock: Path, name: str, python: Path) -> Path:
    """The interpreter of an environment with all of a lock, made the first time by `python`. `name` is part of its
    folder's."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    cache = cache_root() / "test-venvs"
    cache.mkdir(parents=True, exist_ok=True)
    made = cache / f"{name}-{digest}"
    uv = Path(sys.executable).parent / "uv"
    with (cache / f"{made.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (made / "complete").exists():
            subprocess.run([uv, "venv", "-q", "--clear", "-p", python, made], check=True)
            install = [uv, "pip", "install", "-q", "--compile-bytecode", "--require-hashes"]
            subprocess.run([*install, "--python", made / "bin" / "python", "-r", lock], check=True)
            (made / "complete").touch()
    return made / "bin" / "python"
