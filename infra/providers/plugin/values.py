"""Between the engine's property values and plain data. Pure.

Secrets are marks on values. They are taken off for the real thing and put back by path, so what was secret going in is
secret coming out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

Properties = dict[str, PropertyValue]
Path = tuple[str | int, ...]
"""Where a value is: keys and indexes from the outside in."""

UNKNOWN: str = rpc.UNKNOWN
"""What the engine writes for a value that is only known after other resources were made."""


def plain(value: PropertyValue) -> Any:
    """The value without marks. Whole numbers become ints; raises TypeError for assets and references."""
    content = value.value
    if content is None or isinstance(content, bool | str):
        return content
    if isinstance(content, float):
        return int(content) if content.is_integer() else content
    if isinstance(content, Mapping):
        return {key: plain(each) for key, each in content.items()}
    if isinstance(content, tuple):
        return [plain(each) for each in content]
    raise TypeError(f"no property of this resource can be a {type(content).__name__}")


def plain_map(properties: Properties) -> dict[str, Any]:
    """Plain data of a resource's properties; the engine's own (`__…`) are left out."""
    return {key: plain(value) for key, value in properties.items() if not key.startswith("__")}


def has_unknown(data: Any) -> bool:
    """Whether a value that is not known yet is among these."""
    if isinstance(data, Mapping):
        return any(has_unknown(each) for each in data.values())
    if isinstance(data, list):
        return any(has_unknown(each) for each in data)
    return bool(data == UNKNOWN)


def secret_paths(properties: Properties) -> frozenset[Path]:
    """Paths of all values marked secret."""
    return frozenset(path for key, value in properties.items() for path in _secrets(value, (key,)))


def _secrets(value: PropertyValue, path: Path) -> Iterator[Path]:
    if value.is_secret:
        yield path
        return
    content = value.value
    if isinstance(content, Mapping):
        for key, each in content.items():
            yield from _secrets(each, (*path, key))
    elif isinstance(content, tuple):
        for index, each in enumerate(content):
            yield from _secrets(each, (*path, index))


def marked(data: Any, secrets: Collection[Path] = (), path: Path = ()) -> PropertyValue:
    """Property value of plain data, secret at the given paths; `path` is where this value is."""
    is_secret = path in secrets
    if isinstance(data, dict):
        return PropertyValue({key: marked(each, secrets, (*path, key)) for key, each in data.items()}, is_secret)
    if isinstance(data, list | tuple):
        return PropertyValue([marked(each, secrets, (*path, i)) for i, each in enumerate(data)], is_secret)
    if isinstance(data, int) and not isinstance(data, bool):
        return PropertyValue(float(data), is_secret)
    return PropertyValue(data, is_secret)


def marked_map(data: Mapping[str, Any], secrets: Collection[Path] = ()) -> Properties:
    """Properties of a resource from plain data, secret at the given paths."""
    return {key: marked(value, secrets, (key,)) for key, value in data.items()}
