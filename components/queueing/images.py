"""Kueue's image."""

from __future__ import annotations

from components.images import GoBinary, Image
from components.queueing.settings import QueueingSettings

VERSION = "0.15.0"
KUEUE_IMAGE = "kueue"


def images(_: QueueingSettings) -> tuple[Image, ...]:
    """One static binary."""
    return (
        Image(
            name=KUEUE_IMAGE,
            version=VERSION,
            layers=(GoBinary("kueue"),),
            base="scratch",
            entrypoint=("/usr/local/bin/kueue",),
        ),
    )
