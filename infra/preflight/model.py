"""What preflight says, and what it needs to know."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.hosts.layout import HOSTS_ROOT

Severity = Literal["error", "warning", "info"]
"""`error`: `up` would fail. `warning`: it may fail, or work badly. `info`: good to know."""

GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """The answer to one question. `remedy` is what to do where it is not `ok`; `severity` counts only then."""

    check: str
    ok: bool
    message: str
    remedy: str = ""
    severity: Severity = "error"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the checks depend on beside the machine."""

    installation: str
    """Name of the profile's installation."""
    local: bool = True
    """Whether the cluster is made on this machine."""
    nodes: int = 1
    ports: Mapping[str, int]
    """What listens on the machine's loopback: name for messages → port."""
    cache_root: Path
    home_root: Path
    """The folder of installations."""
    hosts_root: Path = HOSTS_ROOT
    building: bool = True
    """Whether Go tools must still be built (`Toolchain.inspect` says)."""
    installed: bool = False
    """Whether an earlier `up` of this installation has finished: then its memory and disk are spent already."""
    archives: int = 0
    """Bytes of images in archives that are still to be taken into the cache."""
    search: str = os.defpath
    """PATH."""


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """Those that let no `up` begin."""
    return [finding for finding in findings if not finding.ok and finding.severity == "error"]
