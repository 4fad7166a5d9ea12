"""The gateway's image."""

from __future__ import annotations

from components.gateway.settings import GatewaySettings
from components.images import DebianPackages, Image

VERSION = "1.26"
"""nginx of Debian 13."""
GATEWAY_IMAGE = "gateway"


def images(_: GatewaySettings) -> tuple[Image, ...]:
    """nginx with the modules that Debian builds in (TLS, HTTP/2, auth_request, limits); configuration is mounted."""
    return (
        Image(
            name=GATEWAY_IMAGE,
            version=VERSION,
            layers=(DebianPackages(("nginx",)),),
            command=("/usr/sbin/nginx", "-g", "daemon off;"),
        ),
    )
