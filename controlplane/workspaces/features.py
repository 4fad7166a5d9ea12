"""Which features workspaces of this installation can have."""

from __future__ import annotations

from components import catalog
from components.facts import PlatformFacts
from controlplane.workspaces.model import OfferedFeature


def offered(facts: PlatformFacts) -> tuple[OfferedFeature, ...]:
    """Those of the installed components that are features, by name."""
    found = sorted(catalog.features(facts.components), key=lambda component: component.name)
    return tuple(OfferedFeature(name=component.name, summary=component.summary) for component in found)
