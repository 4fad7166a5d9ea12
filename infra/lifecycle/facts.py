"""Profile, cluster and images → the facts that components and the control plane are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.catalog import CATALOG
from components.contract import Component, ComponentSettings
from components.facts import Network, PlatformFacts
from components.tracking.images import WORKSPACE_IMAGE_NAME
from infra.profile.model import Profile

VERSION = "0.1.0"
"""Version of the platform itself, as in pyproject.toml (a test keeps them alike)."""


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


def platform_facts(
    profile: Profile,
    network: Network,
    images: Mapping[str, str],
    ca_certificate: str,
    components: Sequence[tuple[Component[Any], ComponentSettings]],
) -> PlatformFacts:
    """The complete facts; what a component says of itself wins.

    Raises pydantic's ValidationError where components give facts that do not exist.
    """
    known: dict[str, Any] = {
        "installation": profile.name,
        "target": profile.target,
        "version": VERSION,
        "kubernetes_version": profile.kubernetes.version,
        "public_url": public_url(profile),
        "registry": profile.supply.registry,
        "workspace_image": images[WORKSPACE_IMAGE_NAME],
        "storage_class": profile.existing.storage_class if profile.existing else "",
        "network": network,
        "components": tuple(component.name for component, _ in components),
        "ca_certificate": ca_certificate,
    }
    for component, settings in components:
        known |= component.facts(settings)
    return PlatformFacts(**known)
