"""Where the binaries of test servers are: the toolchain's cache first, then PATH."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


class BinaryMissing(RuntimeError):
    """A test server's binary is nowhere; the message says how to get it."""


_PLACES = (".", "root/usr/bin", "root/usr/sbin")
"""Of a tool below its version's folder: built ones, and those that were taken out of a Debian package."""


def find(name: str) -> Path:
    """The newest cached version of a tool, or the one on PATH."""
    cache = Path(os.environ.get("MLP_CACHE", Path.home() / ".cache" / "mlp"))
    home = cache / "tools" / name
    cached = [path for where in _PLACES for path in home.glob(f"*/{where}/{name}")]
    if cached:
        return max(cached, key=lambda path: _version(path.relative_to(home).parts[0]))
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    raise BinaryMissing(f"{name} is neither in {cache}/tools nor on PATH; `make test` builds it")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
