"""What a kind's own status says, before queue and pods are looked at. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controlplane.contents.model import ContentState


@dataclass(frozen=True)
class Status:
    state: ContentState
    reason: str = ""
    progress: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


def counted(done: int, of: int, noun: str, *more: str) -> str:
    """`3 of 10 trials, 1 failed`."""
    parts = [f"{done} of {of} {noun}{'' if of == 1 else 's'}" if of else "", *more]
    return ", ".join(part for part in parts if part)
