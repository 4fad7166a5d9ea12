"""What the toolchain gives and what it says while it works."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Origin = Literal["path", "cache", "built", "extracted"]
"""Where a tool came from in this very run; `built` and `extracted` are `cache` the next time."""

State = Literal["waiting", "fetching", "building", "extracting", "done", "failed"]


@dataclass(frozen=True)
class Tool:
    """A tool ready to be run."""

    name: str
    version: str
    path: Path
    """The executable. Its folder holds what belongs to it (containerd's shim, the other network plugins)."""
    origin: Origin
    env: Mapping[str, str] = field(default_factory=dict)
    """What it needs in its environment beside what is there: folders of libraries, joined by `:`."""


@dataclass(frozen=True)
class Progress:
    """A tool changed its state. `seconds` since its work began; `expected` as measured for the version list."""

    tool: str
    state: State
    detail: str = ""
    seconds: float = 0.0
    expected: float = 0.0
    origin: Origin | None = None


class Report(Protocol):
    """Receives progress, one call at a time, from any thread."""

    def __call__(self, progress: Progress, /) -> None: ...


@dataclass(frozen=True)
class Finding:
    """What `doctor` says of one tool. Not `ok` means that the next run would fail, and `remedy` says what to do."""

    name: str
    wanted: str
    found: str
    """Where and at which version, in words; what was passed over and why."""
    action: Literal["use", "build", "extract", "none"]
    ok: bool
    seconds: float = 0.0
    """Expected time until the tool is there."""
    licence: str = ""
    remedy: str = ""


def environment(tools: Iterable[Tool], base: Mapping[str, str] | None = None) -> dict[str, str]:
    """`base` (default: ours) with the folders of these tools before PATH and what they need joined in.

    The network plugins' folder stays out: they are called by kubelet's runtime only, and one is named like a program.
    """
    merged = dict(os.environ if base is None else base)
    chosen = list(tools)
    folders = dict.fromkeys(str(tool.path.parent) for tool in chosen if tool.path.parent.name != "cni")
    merged["PATH"] = ":".join([*folders, *([merged["PATH"]] if merged.get("PATH") else [])])
    for key in sorted({key for tool in chosen for key in tool.env}):
        values = dict.fromkeys(part for tool in chosen for part in tool.env.get(key, "").split(":") if part)
        before = [merged[key]] if merged.get(key) else []
        merged[key] = ":".join([*values, *before])
    return merged
