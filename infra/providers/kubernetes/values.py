"""Between the engine's property values and plain data. Pure.

Secrets are marks on values. They are taken off for the API server and put back wherever the same path holds a value
again, so what was secret going in is secret coming out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

from infra.providers.kubernetes.paths import Path

Properties = dict[str, PropertyValue]


def plain(value: PropertyValue) -> Any:
    """The value without marks; whole numbers become ints, as JSON wants them. Assets are refused (TypeError)."""
    content = value.value
    if content is None or isinstance(content, bool | str):
        return content
    if isinstance(content, float):
        return int(content) if content.is_integer() else content
    if isinstance(content, Mapping):
        return {key: plain(each) for key, each in content.items()}
    if isinstance(content, tuple):
        return [plain(each) for each in content]
    raise TypeError(f"a Kubernetes object can't hold a value of type {type(content).__name__}")


def plain_map(properties: Properties) -> dict[str, Any]:
    """The same for the properties of a resource; the engine's own (`__…`) are left out."""
    return {key: plain(value) for key, value in properties.items() if not key.startswith("__")}


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


def marked(data: Any, secrets: frozenset[Path], path: Path = ()) -> PropertyValue:
    """Property value of plain data, secret at the given paths."""
    is_secret = path in secrets
    if isinstance(data, dict):
        return PropertyValue({key: marked(each, secrets, (*path, key)) for key, each in data.items()}, is_secret)
    if isinstance(data, list):
        return PropertyValue([marked(each, secrets, (*path, i)) for i, each in enumerate(data)], is_secret)
    if isinstance(data, int) and not isinstance(data, bool):
        return PropertyValue(float(data), is_secret)
    return PropertyValue(data, is_secret)


def marked_map(data: dict[str, Any], secrets: frozenset[Path]) -> Properties:
    """Properties of a resource from plain data."""
    return {key: marked(value, secrets, (key,)) for key, value in data.items()}


def object_secrets(obj: dict[str, Any], secrets: frozenset[Path]) -> frozenset[Path]:
    """The paths plus what is secret by its kind: a Secret's data, and a text that became encoded data."""
    if obj.get("kind") != "Secret" or obj.get("apiVersion") != "v1":
        return secrets
    moved = {("data", *path[1:]) for path in secrets if path[:1] == ("stringData",)}
    return secrets | moved | {("data",), ("stringData",)}
