"""An imaginary installation with every component, for tests that render objects. Pure."""

from __future__ import annotations

from typing import Any

from components.catalog import CATALOG
from components.contract import Install
from components.facts import Network, PlatformFacts


def facts(**changes: Any) -> PlatformFacts:
    """Facts with every component's own, and `changes`."""
    given: dict[str, Any] = {"storage_class": "mlp-local"}
    for each in CATALOG:
        given |= each.facts(each.settings())
    return PlatformFacts(
        **{
            "installation": "test",
            "target": "local",
            "version": "0.1.0",
            "kubernetes_version": "v1.36.3",
            "public_url": "https://localhost:8443",
            "registry": "registry.mlp.internal/",
            "workspace_image": "registry.mlp.internal/workspace:1",
            "network": Network(
                pods="10.244.0.0/16",
                services="10.96.0.0/16",
                nodes="10.250.0.0/24",
                api_server_endpoints=("10.250.0.1:6443",),
            ),
            "components": tuple(each.name for each in CATALOG),
            "ca_certificate": "-----BEGIN CERTIFICATE-----\n",
        }
        | given
        | changes
    )


def install(**changes: Any) -> Install:
    """An Install with an image reference and a secret for whatever a component names."""
    secrets = [name for each in CATALOG for name in each.secrets] + ["gateway-tls-crt", "gateway-tls-key"]
    images = [image.name for each in CATALOG for image in each.images(each.settings())]
    return Install(
        facts=facts(**changes),
        images={name: f"registry.mlp.internal/{name}:1" for name in images},
        secrets={name: f"value-of-{name}-0123456789abcdef0123456789" for name in secrets},
    )
