"""Kubernetes quantities: those that settings use, and amounts written as such."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_QUANTITY = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?")


def _quantity(value: str) -> str:
    if not _QUANTITY.fullmatch(value):
        raise ValueError("must be a Kubernetes quantity greater than zero, such as 500m, 512Mi or 10Gi")
    return value


Quantity = Annotated[str, AfterValidator(_quantity)]


def format_cpu(millicores: int) -> str:
    """`2` for whole cores, `500m` otherwise: the canonical Kubernetes form."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_bytes(size: int) -> str:
    """The largest binary unit that divides the size exactly, such as `4Gi`: the canonical Kubernetes form."""
    for unit, factor in (("Pi", 2**50), ("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)
