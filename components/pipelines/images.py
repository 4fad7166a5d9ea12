"""Images of the controller and of the executor that accompanies every step."""

from __future__ import annotations

from typing import Literal

from components.images import GoBinary, Image
from components.pipelines.settings import PipelinesSettings

VERSION = "3.7.0"
CONTROLLER_IMAGE = "workflow-controller"
EXECUTOR_IMAGE = "argoexec"


def images(_: PipelinesSettings) -> tuple[Image, ...]:
    """Static binaries. The executor copies itself into the steps' pods, and needs nothing beside. The controller reads
    the zones of schedules from the base's tzdata: its binary knows UTC alone."""
    return (_image(CONTROLLER_IMAGE, "debian"), _image(EXECUTOR_IMAGE, "scratch"))


def _image(name: str, base: Literal["debian", "scratch"]) -> Image:
    return Image(
        name=name, version=VERSION, layers=(GoBinary(name),), base=base, entrypoint=(f"/usr/local/bin/{name}",),
        env={"PATH": "/usr/local/bin"},
    )  # fmt: skip
