"""Where the binaries of test servers are: the toolchain's cache first, then PATH."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


class BinaryMissing(RuntimeError):
    """A test server's binary is nowhere; the message says how to get it."""


def find(name: str) -> Path:
    """The newest cached version of a tool, or the one on PATH."""
    cache = Path(os.environ.get("MLP_CACHE", Path.home() / ".cache" / "mlp"))
    cached = sorted((cache / "tools" / name).glob(f"*/{name}"), key=lambda path: _version(path.parent.name))
    if cached:
        return cached[-1]
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    raise BinaryMissing(f"{name} is neither in {cache}/tools nor on PATH; `make test` builds it")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
