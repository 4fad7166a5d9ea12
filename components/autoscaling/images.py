"""The image of Karpenter. It speaks to AWS over TLS, so it needs the base's certificates."""

from __future__ import annotations

from components.autoscaling.names import NAME
from components.autoscaling.settings import AutoscalingSettings
from components.images import GoBinary, Image

VERSION = "1.13.1"
"""The first minor version that knows Kubernetes 1.36."""
TOOL = "karpenter"


def images(_: AutoscalingSettings) -> tuple[Image, ...]:
    """One image."""
    return (Image(name=NAME, version=VERSION, layers=(GoBinary(TOOL),), entrypoint=(f"/usr/local/bin/{TOOL}",)),)
