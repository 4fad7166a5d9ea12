"""Rules about declared resources, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.engine.declared import Declared

Policy = Literal["public", "tagged", "encrypted", "rights", "protected"]


@dataclass(frozen=True)
class Violation:
    """One thing that breaks a policy."""

    policy: Policy
    kind: str
    name: str
    path: str
    """The property; empty where it is the resource as a whole."""
    reason: str

    def __str__(self) -> str:
        where = f" {self.path}" if self.path else ""
        return f"{self.policy}: {self.kind} {self.name!r}{where}: {self.reason}"


@dataclass(frozen=True)
class Check:
    """A test of one value, and what it wants in words; a value that is not there is None."""

    passes: Callable[[Any], bool]
    wants: str


@dataclass(frozen=True)
class Must:
    """A property of a type must pass. In `path`, `[]` stands for every item of a list; no item is no failure."""

    policy: Policy
    kind: str
    path: str
    check: Check
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Only where the resource's properties are so."""


@dataclass(frozen=True)
class Beside:
    """A resource of one type needs one of another that depends on it and whose properties pass."""

    policy: Policy
    kind: str
    other: str
    checks: tuple[tuple[str, Check], ...] = ()


TRUE = Check(lambda value: value is True, "must be true")
NOT_TRUE = Check(lambda value: value is not True, "must not be true")
FALSE = Check(lambda value: value is False, "must be false")
PRESENT = Check(lambda value: value not in (None, "", [], {}), "must be set")


def one_of(*values: Any) -> Check:
    """Any of these values."""
    return Check(lambda value: value in values, f"must be {' or '.join(map(repr, values))}")


def at_least(number: int) -> Check:
    """A number that is not smaller."""
    return Check(lambda value: isinstance(value, int | float) and value >= number, f"must be at least {number}")


def broken(rule: Must, resource: Declared) -> Iterator[Violation]:
    """Where a resource of the rule's type breaks it."""
    if not rule.when(resource.properties):
        return
    for path, value in values(resource.properties, rule.path):
        if not rule.check.passes(value):
            yield Violation(rule.policy, resource.kind, resource.name, path, rule.check.wants)


def values(properties: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(full path, value) of everything at the path; None where an outer part is missing."""
    yield from _values(properties, path.split("."), "")


def _values(value: Any, parts: list[str], path: str) -> Iterator[tuple[str, Any]]:
    if not parts:
        yield path, value
        return
    name, rest = parts[0].removesuffix("[]"), parts[1:]
    below = value.get(name) if isinstance(value, Mapping) else None
    here = f"{path}.{name}" if path else name
    if parts[0].endswith("[]"):
        for index, each in enumerate(below if isinstance(below, list) else []):
            yield from _values(each, rest, f"{here}[{index}]")
    else:
        yield from _values(below, rest, here)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of everything that is neither a map nor a list."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from leaves(below, f"{path}[{index}]")
    else:
        yield path, value
