"""Between the engine's property values and plain data. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

Properties = dict[str, PropertyValue]


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
    raise TypeError(f"no property of a host can be a {type(content).__name__}")


def plain_map(properties: Properties) -> dict[str, Any]:
    """Plain data of a resource's properties; the engine's own (`__…`) are left out."""
    return {key: plain(value) for key, value in properties.items() if not key.startswith("__")}


def has_unknown(data: Any) -> bool:
    """Whether a value that is only known after other resources were made is among these."""
    if isinstance(data, Mapping):
        return any(has_unknown(each) for each in data.values())
    if isinstance(data, list):
        return any(has_unknown(each) for each in data)
    return bool(data == UNKNOWN)


def marked(data: Any) -> PropertyValue:
    """Property value of plain data."""
    if isinstance(data, dict):
        return PropertyValue({key: marked(each) for key, each in data.items()})
    if isinstance(data, list | tuple):
        return PropertyValue([marked(each) for each in data])
    if isinstance(data, int) and not isinstance(data, bool):
        return PropertyValue(float(data))
    return PropertyValue(data)


def marked_map(data: Mapping[str, Any], secret: Collection[str] = ()) -> Properties:
    """Properties of a resource; those named in `secret` are marked so."""
    return {key: marked(value).with_secret(key in secret) for key, value in data.items()}
