"""The image of the provisioner and of its helper pods."""

from __future__ import annotations

from components.images import GoBinary, Image
from components.volumes.settings import VolumesSettings

VERSION = "0.0.30"
VOLUMES_IMAGE = "volumes"


def images(settings: VolumesSettings) -> tuple[Image, ...]:
    """One image for both: helper pods need a shell, which the base has."""
    if settings.managed:
        return ()
    return (
        Image(
            name=VOLUMES_IMAGE,
            version=VERSION,
            layers=(GoBinary("local-path-provisioner"),),
            entrypoint=("/usr/local/bin/local-path-provisioner",),
        ),
    )
