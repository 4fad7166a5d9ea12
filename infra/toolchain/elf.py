"""Whether a program needs nothing of the machine that it was linked on."""

from __future__ import annotations

import struct
from pathlib import Path

_MAGIC = b"\x7fELF"
_INTERPRETER = 3
"""Type of the program header that names the dynamic linker."""


def is_static(path: Path) -> bool:
    """True for a 64-bit little-endian ELF program without a dynamic linker; False for scripts and all else."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if len(head) < 64 or head[:4] != _MAGIC or head[4:6] != b"\x02\x01":
                return False
            (offset,) = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            file.seek(offset)
            table = file.read(size * count)
    except OSError:
        return False
    if size < 4 or len(table) < size * count:
        return False
    return all(struct.unpack_from("<I", table, at)[0] != _INTERPRETER for at in range(0, size * count, size))
