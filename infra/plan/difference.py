"""What differs between resources as they are kept in the state and as a program declares them. Pure.

Plain data in, plain data out: the engine's own preview is compared with the same functions, so both read alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SECRET = "[secret]"  # noqa: S105 - what is shown in place of one
LATER = "(known after apply)"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that is only known later."""

_ABSENT = object()
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_DEFAULTS = "__defaults"

Op = Literal["create", "change", "replace", "destroy"]
OPS: tuple[Op, ...] = ("create", "change", "replace", "destroy")


@dataclass(frozen=True)
class Resource:
    """One resource, declared or kept. Values of secrets are opened; `secrets` names the properties that hold them."""

    urn: str
    kind: str
    name: str
    properties: Mapping[str, Any] = field(repr=False)
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PropertyChange:
    """One value that differs; None stands for absent. Secrets and values of the future are never the value itself."""

    path: str
    before: object
    after: object
    replaces: bool = False
    """The provider cannot change it in place."""


@dataclass(frozen=True)
class ResourceChange:
    """What happens to one resource."""

    op: Op
    kind: str
    name: str
    urn: str
    properties: tuple[PropertyChange, ...] = ()


def differences(
    kept: Iterable[Resource],
    declared: Iterable[Resource],
    fixed: Callable[[Resource, Resource], frozenset[str]],
    made_up: Iterable[str] = (),
) -> tuple[ResourceChange, ...]:
    """Changes from what is kept to what is declared, by URN; resources alike are left out.

    `fixed` gives the paths of two states of a resource that cannot change in place. `made_up`: texts that stand for
    values that only the real thing knows; what contains one is shown as known later.
    """
    old, new = {one.urn: one for one in kept}, {one.urn: one for one in declared}
    later = tuple(sorted({text for text in made_up if text}, key=len, reverse=True))
    found: list[ResourceChange] = []
    for urn in [*new, *(urn for urn in old if urn not in new)]:
        if urn not in old:
            found.append(ResourceChange("create", new[urn].kind, new[urn].name, urn))
        elif urn not in new:
            found.append(ResourceChange("destroy", old[urn].kind, old[urn].name, urn))
        else:
            properties = property_changes(old[urn], new[urn], fixed(old[urn], new[urn]), later)
            if properties:
                op: Op = "replace" if any(each.replaces for each in properties) else "change"
                found.append(ResourceChange(op, new[urn].kind, new[urn].name, urn, properties))
    return tuple(found)


def property_changes(
    old: Resource, new: Resource, fixed: frozenset[str] = frozenset(), later: tuple[str, ...] = ()
) -> tuple[PropertyChange, ...]:
    """Every leaf that differs, by path in the engine's notation; below the paths `fixed` it replaces the resource.

    What a provider filled in by itself (`__defaults`) is no difference.
    """
    secrets = old.secrets | new.secrets
    found = []
    for path, before, after in _leaves(old.properties, new.properties):
        top = re.split(r"[.\[]", path, maxsplit=1)[0]
        hidden = top in secrets
        shown = tuple(SECRET if hidden and value is not _ABSENT else _shown(value, later) for value in (before, after))
        found.append(PropertyChange(path, shown[0], shown[1], _within(path, fixed)))
    return tuple(found)


def _within(path: str, fixed: frozenset[str]) -> bool:
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in fixed)


def _leaves(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        filled = set(old.get(_DEFAULTS) or ()) - set(new)
        for key in sorted({*old, *new} - filled):
            if not key.startswith("__"):
                below = f"{path}.{key}".lstrip(".") if _PLAIN.fullmatch(key) else f'{path}["{key}"]'
                yield from _leaves(old.get(key, _ABSENT), new.get(key, _ABSENT), below)
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _leaves(before, after, f"{path}[{index}]")
    elif not _alike(old, new):
        yield path, old, new


def _alike(old: Any, new: Any) -> bool:
    absent = (_ABSENT, None)
    if old in absent and new in absent:
        return True
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new)


def _shown(value: Any, later: tuple[str, ...]) -> object:
    if value is _ABSENT:
        return None
    if isinstance(value, str):
        return LATER if value == UNKNOWN or any(text in value for text in later) else value
    if isinstance(value, Mapping):
        return {key: _shown(below, later) for key, below in value.items() if not str(key).startswith("__")}
    if isinstance(value, list | tuple):
        return [_shown(below, later) for below in value]
    return value


def counts(changes: Iterable[ResourceChange], unchanged: int = 0) -> dict[str, int]:
    """Op → resources, and `same`."""
    found = dict.fromkeys(OPS, 0) | {"same": unchanged}
    for change in changes:
        found[change.op] += 1
    return found
