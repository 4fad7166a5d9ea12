"""Images of the controller and of the executor that accompanies every step."""

from __future__ import annotations

from components.images import GoBinary, Image
from components.pipelines.settings import PipelinesSettings

VERSION = "3.7.0"
CONTROLLER_IMAGE = "workflow-controller"
EXECUTOR_IMAGE = "argoexec"


def images(_: PipelinesSettings) -> tuple[Image, ...]:
    """Static binaries. The executor copies itself into the steps' pods."""
    return tuple(
        Image(
            name=name,
            version=VERSION,
            layers=(GoBinary(name),),
            base="scratch",
            entrypoint=(f"/usr/local/bin/{name}",),
            env={"PATH": "/usr/local/bin"},
        )
        for name in (CONTROLLER_IMAGE, EXECUTOR_IMAGE)
    )
