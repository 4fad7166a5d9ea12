"""Which components could not be installed, and whether the rest works without them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.contract import Component, ComponentSettings, Install
from components.resource import resource_name, type_token
from infra.engine.errors import Failure

Chosen = Sequence[tuple[Component[Any], ComponentSettings]]


def broken(failures: Iterable[Failure], components: Chosen, install: Install) -> dict[str, str]:
    """Component → why it is broken, in the first failing object's words. Empty where anything failed that belongs to no
    component, to one that the platform needs, or to one that such a component requires: then nothing may go on."""
    owners = _owners(components, install)
    found: dict[str, str] = {}
    for failure in failures:
        owner = owners.get((failure.kind, failure.name))
        if owner is None:
            return {}
        found.setdefault(owner, f"{failure.kind.rpartition(':')[2]} {failure.name}: {failure.reason}")
    kept = [component for component, _ in components if not component.optional]
    needed = {name for component in kept for name in (component.name, *component.requires)}
    return {} if needed & found.keys() else found


def _owners(components: Chosen, install: Install) -> Mapping[tuple[str, str], str]:
    return {
        (type_token(obj), resource_name(obj)): component.name
        for component, settings in components
        for obj in component.objects(settings, install)
    }
