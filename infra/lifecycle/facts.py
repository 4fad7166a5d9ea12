"""Profile, cluster and images → the facts that components and the control plane are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.catalog import CATALOG
from components.contract import Component, ComponentSettings
from components.facts import Network, PlatformFacts
from infra.profile.model import Profile

VERSION = "0.1.0"
"""Version of the platform itself, as in pyproject.toml (a test keeps them alike)."""

WORKSPACE_IMAGE = "workspace"


def chosen_components(profile: Profile) -> list[tuple[Component[Any], ComponentSettings]]:
    """The enabled components with their settings, in the catalog's order."""
    return [
        (component, profile.components.choice(component.name).settings)
        for component in CATALOG
        if profile.components.choice(component.name).enabled
    ]


def public_url(profile: Profile) -> str:
    """Where people reach the gateway."""
    if profile.local is not None:
        return f"https://localhost:{profile.local.ports.gateway}"
    if profile.existing is not None:
        return profile.existing.public_url
    raise AssertionError("a profile has the section of its target")


def storage_class(profile: Profile) -> str:
    """The class of the platform's volumes."""
    return profile.existing.storage_class if profile.existing else "mlp-local"


def platform_facts(
    profile: Profile,
    network: Network,
    images: Mapping[str, str],
    ca_certificate: str,
    components: Sequence[tuple[Component[Any], ComponentSettings]],
) -> PlatformFacts:
    """The complete facts. Raises pydantic's ValidationError where components give facts that do not exist."""
    given: dict[str, Any] = {}
    for component, settings in components:
        given |= component.facts(settings)
    return PlatformFacts(
        installation=profile.name,
        target=profile.target,
        version=VERSION,
        kubernetes_version=profile.kubernetes.version,
        public_url=public_url(profile),
        registry=profile.supply.registry,
        workspace_image=images[WORKSPACE_IMAGE],
        storage_class=storage_class(profile),
        network=network,
        components=tuple(component.name for component, _ in components),
        ca_certificate=ca_certificate,
        **given,
    )
