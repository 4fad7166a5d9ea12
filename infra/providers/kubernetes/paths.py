"""Plain data by path: differences, and paths in the engine's notation (`spec.ports[0].name`, `data["a.b"]`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.providers.plugin.values import Path

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def show(path: Path) -> str:
    """The engine's notation of a path."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


_MISSING = object()


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """(path, `add` | `delete` | `update`) of what differs, as deep as the two have the same shape."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from differences(old.get(key, _MISSING), new.get(key, _MISSING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else _MISSING
            after = new[index] if index < len(new) else _MISSING
            yield from differences(before, after, (*path, index))
    elif old is _MISSING or (old is None and new is not None):
        if new is not _MISSING and new is not None:
            yield path, "add"
    elif new is _MISSING or (new is None and old is not None):
        if old is not None:
            yield path, "delete"
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield path, "update"


def without_nulls(value: Any) -> Any:
    """The value with every null left out of mappings, as the API server does."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value
