"""Facts of an installation that exists only in tests."""

from __future__ import annotations

from components.facts import Network, PlatformFacts

PUBLIC_URL = "https://localhost:8443"


def facts() -> PlatformFacts:
    return PlatformFacts(
        installation="test",
        target="local",
        version="0.1.0",
        kubernetes_version="v1.36.3",
        public_url=PUBLIC_URL,
        registry="registry.test/",
        workspace_image="registry.test/workspace:1",
        storage_class="mlp-local",
        network=Network(
            pods="10.244.0.0/16", services="10.96.0.0/16", nodes="10.250.0.0/24",
            api_server_endpoints=("10.250.0.2:6443",),
        ),
        components=("network", "database", "storage", "tracking", "gateway"),
    )  # fmt: skip
