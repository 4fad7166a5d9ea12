"""What managedFields tell: who wrote an object, and which fields. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from components.contract import KubernetesObject
from components.names import FIELD_MANAGER

UNKNOWN = "unknown"


def last_writer(live: KubernetesObject) -> str:
    """The newest field manager that is not us; `unknown` where there is none: who only takes away leaves no trace."""
    others = [e for e in _entries(live) if e.get("manager") and e["manager"] != FIELD_MANAGER]
    chosen = max(others, key=lambda entry: str(entry.get("time") or ""), default=None)
    return str(chosen["manager"]) if chosen else UNKNOWN


def owned_paths(live: KubernetesObject) -> frozenset[str]:
    """Dotted paths of the fields that are ours."""
    return frozenset(path for entry in _entries(live) if _ours(entry) for path in _leaves(entry["fieldsV1"], ""))


def foreign_paths(live: KubernetesObject) -> frozenset[str]:
    """Dotted paths of spec, data and metadata fields that somebody else owns and we do not."""
    others = {p for entry in _entries(live) if not _ours(entry) for p in _leaves(entry.get("fieldsV1") or {}, "")}
    return frozenset(others - owned_paths(live))


def owned_part(live: KubernetesObject) -> KubernetesObject:
    """The live object cut down to the fields that are ours, with its identity: what we last applied, if it still holds.

    A field that another manager changed or removed has left our field set, so it is missing here.
    """
    meta = live["metadata"]
    cut: KubernetesObject = {}
    for entry in _entries(live):
        if _ours(entry):
            cut = _merge(cut, _project(entry["fieldsV1"], live))
    identity = {name: meta[name] for name in ("name", "namespace") if name in meta}
    return {
        **cut,
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {**cut.get("metadata", {}), **identity},
    }


def _entries(live: KubernetesObject) -> list[dict[str, Any]]:
    found = live["metadata"].get("managedFields") or []
    return [entry for entry in found if not entry.get("subresource")]


def _ours(entry: dict[str, Any]) -> bool:
    return bool(entry.get("manager") == FIELD_MANAGER and "fieldsV1" in entry)


def _leaves(fields: dict[str, Any], path: str) -> Iterator[str]:
    for key, below in fields.items():
        if key == ".":
            continue
        name = key[2:] if key.startswith("f:") else f"[{key}]"
        here = f"{path}.{name}" if path else name
        if any(part != "." for part in below):
            yield from _leaves(below, here)
        else:
            yield here


def _project(fields: dict[str, Any], value: Any) -> Any:
    """The part of `value` that a fieldsV1 set names. Keyed list items (`k:`) are found by their keys."""
    below = {key: part for key, part in fields.items() if key != "."}
    if not below:
        return value
    if isinstance(value, dict):
        return {k[2:]: _project(part, value[k[2:]]) for k, part in below.items() if k[2:] in value}
    if isinstance(value, list):
        return [_project(part, item) for item in value for key, part in below.items() if _is_item(key, item)]
    return value


def _is_item(key: str, item: Any) -> bool:
    kind, _, text = key.partition(":")
    wanted = json.loads(text)
    if kind == "k":
        return isinstance(item, dict) and all(item.get(name) == part for name, part in wanted.items())
    return bool(item == wanted)


def _merge(one: Any, other: Any) -> Any:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    both = {name: _merge(one[name], other[name]) for name in one if name in other}
    return {**one, **other, **both}
