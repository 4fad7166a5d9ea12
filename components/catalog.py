"""Every component, in an order in which each follows what it requires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from components import (
    autoscaling,
    control_plane,
    database,
    gateway,
    isolation,
    kubeflow_pipelines,
    network,
    notebooks,
    pipelines,
    queueing,
    serving,
    storage,
    tracking,
    training,
    tuning,
    volumes,
)
from components.contract import Component


class CatalogError(Exception):
    """The components do not fit together: fact, expectation and remedy in one sentence."""


class UnknownComponentError(CatalogError):
    """A name that no component has."""

    def __init__(self, name: str, known: Iterable[str], wanted_by: str | None = None) -> None:
        source = f"component {wanted_by!r} requires {name!r}, which" if wanted_by else f"{name!r}"
        super().__init__(f"{source} is not a component; there are: {', '.join(sorted(known))}")


class CyclicRequirementError(CatalogError):
    """Components that require each other in a circle."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"components require each other in a circle: {' → '.join(names)}; break it at one of them")


def ordered(components: Iterable[Component[Any]]) -> tuple[Component[Any], ...]:
    """The components with each after all that it requires or follows; otherwise in the given order.

    Raises UnknownComponentError for a requirement that is not among them, CyclicRequirementError for a circle.
    """
    given = {component.name: component for component in components}
    done: dict[str, Component[Any]] = {}

    def place(component: Component[Any], path: tuple[str, ...]) -> None:
        if component.name in done:
            return
        if component.name in path:
            raise CyclicRequirementError([*path[path.index(component.name) :], component.name])
        for required in component.requires:
            if required not in given:
                raise UnknownComponentError(required, given, wanted_by=component.name)
            place(given[required], (*path, component.name))
        for earlier in component.after:
            if earlier in given:
                place(given[earlier], (*path, component.name))
        done[component.name] = component

    for component in given.values():
        place(component, ())
    return tuple(done.values())


CATALOG: tuple[Component[Any], ...] = ordered(
    (
        network.COMPONENT,
        autoscaling.COMPONENT,
        volumes.COMPONENT,
        isolation.COMPONENT,
        database.COMPONENT,
        storage.COMPONENT,
        tracking.COMPONENT,
        queueing.COMPONENT,
        pipelines.COMPONENT,
        kubeflow_pipelines.COMPONENT,
        training.COMPONENT,
        tuning.COMPONENT,
        gateway.COMPONENT,
        notebooks.COMPONENT,
        serving.COMPONENT,
        control_plane.COMPONENT,
    )
)


def component(name: str) -> Component[Any]:
    """The component of that name. Raises UnknownComponentError."""
    for candidate in CATALOG:
        if candidate.name == name:
            return candidate
    raise UnknownComponentError(name, (candidate.name for candidate in CATALOG))


def select(names: Iterable[str]) -> tuple[Component[Any], ...]:
    """The named components in the catalog's order. Raises UnknownComponentError, also for a missing requirement."""
    return ordered([component(name) for name in sorted(set(names), key=_position)])


def features(installed: Iterable[str]) -> tuple[Component[Any], ...]:
    """Those of the installed components that workspaces get only where they ask for them, in the catalog's order."""
    there = frozenset(installed)
    return tuple(each for each in CATALOG if each.feature and each.name in there)


def _position(name: str) -> int:
    for index, candidate in enumerate(CATALOG):
        if candidate.name == name:
            return index
    raise UnknownComponentError(name, (candidate.name for candidate in CATALOG))
