"""Katib's images: two servers, and what it starts in workspaces."""

from __future__ import annotations

from components.images import GoBinary, Image
from components.tuning.settings import TuningSettings

VERSION = "0.19.0"
CONTROLLER_IMAGE = "katib-controller"
MANAGER_IMAGE = "katib-db-manager"
SUGGESTION_IMAGE = "katib-suggestion-goptuna"
COLLECTOR_IMAGE = "katib-file-metricscollector"


def images(_: TuningSettings) -> tuple[Image, ...]:
    """One static binary each."""
    return tuple(
        Image(
            name=name,
            version=VERSION,
            layers=(GoBinary(name),),
            base="scratch",
            entrypoint=(f"/usr/local/bin/{name}",),
        )
        for name in (CONTROLLER_IMAGE, MANAGER_IMAGE, SUGGESTION_IMAGE, COLLECTOR_IMAGE)
    )
