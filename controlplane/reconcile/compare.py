"""Comparing what is wanted with what is there. Pure.

Only fields that we name count, but for kinds whose content is ours alone (`_WHOLE`): there an addition is as bad as
a change, because a rule more in a NetworkPolicy opens a door. Quantities are compared by value.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

from components.contract import KubernetesObject
from components.names import ANNOTATION_SPEC_HASH
from controlplane.quotas.model import parse_quantity

_WHOLE = {
    "NetworkPolicy": ("spec",),
    "ResourceQuota": ("spec",),
    "LimitRange": ("spec",),
    "Role": ("rules",),
    "RoleBinding": ("roleRef", "subjects"),
    "ConfigMap": ("data", "binaryData"),
}
WHOLE_KINDS = frozenset(_WHOLE)
"""Kinds in which a field of somebody else's is a change."""
_QUANTITIES = frozenset(
    {"hard", "default", "defaultRequest", "min", "max", "maxLimitRequestRatio", "requests", "limits"}
)
_METADATA = ("name", "namespace", "labels", "annotations")
_SERVER_LABEL = "kubernetes.io/metadata.name"
"""Set by the API server on every namespace, and counted among the fields of whoever created it."""


def content_hash(obj: KubernetesObject) -> str:
    """Stable over key order, quantity spelling and empty fields; not over the hash annotation itself."""
    meta = {name: value for name, value in obj["metadata"].items() if name in _METADATA}
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k != ANNOTATION_SPEC_HASH}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != _SERVER_LABEL}
    body = {name: value for name, value in obj.items() if name not in ("metadata", "status")}
    plain = normalised({**body, "metadata": {**meta, "labels": labels, "annotations": annotations}})
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def normalised(value: Any, *, quantity: bool = False) -> Any:
    """The value without empty fields and with quantities as plain numbers.

    An empty selector stays: it means everything, an absent one nothing. So do empty list items.
    """
    if isinstance(value, dict):
        plain = {name: normalised(part, quantity=quantity or name in _QUANTITIES) for name, part in value.items()}
        return {name: part for name, part in plain.items() if not _empty(name, part)}
    if isinstance(value, list | tuple):
        return [normalised(part) for part in value]
    if quantity and isinstance(value, str | int) and not isinstance(value, bool):
        return _amount(str(value))
    return value


def differences(desired: KubernetesObject, live: KubernetesObject) -> tuple[str, ...]:
    """Dotted paths at which the live object is not as wanted, in order; empty when nothing needs doing."""
    whole = _WHOLE.get(desired["kind"], ())
    meta = {name: desired["metadata"].get(name) for name in ("labels", "annotations")}
    found = _missing(normalised(meta), normalised(live["metadata"]), "metadata")
    for name, value in desired.items():
        if name in ("apiVersion", "kind", "metadata", "status") or name in whole:
            continue
        wanted = normalised({name: value}, quantity=False)
        found += _missing(wanted, normalised({name: live.get(name)}), "")
    for name in whole:
        found += _unequal(normalised({name: desired.get(name)}), normalised({name: live.get(name)}), "")
    return tuple(found)


def removal(desired: KubernetesObject, live: KubernetesObject) -> KubernetesObject | None:
    """The merge patch that takes away fields others added, where server-side apply leaves them; None if there are none.

    Lists are replaced as a whole by the apply, so only fields of maps are looked at.
    """
    patch: dict[str, Any] = {}
    for name in _WHOLE.get(desired["kind"], ()):
        wanted, found = desired.get(name), live.get(name)
        if isinstance(found, dict) and (part := _surplus(wanted if isinstance(wanted, dict) else {}, found)):
            patch[name] = part
    return patch or None


def _surplus(wanted: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for name, value in found.items():
        if name not in wanted:
            if not _empty(name, value):
                patch[name] = None
        elif isinstance(value, dict) and isinstance(wanted[name], dict) and (part := _surplus(wanted[name], value)):
            patch[name] = part
    return patch


def _missing(wanted: Any, found: Any, path: str) -> list[str]:
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [path] if wanted else []
        return [p for name, part in wanted.items() for p in _missing(part, found.get(name), _join(path, name))]
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return [path]
        pairs = enumerate(zip(wanted, found, strict=True))
        return [p for index, (one, other) in pairs for p in _missing(one, other, f"{path}[{index}]")]
    return [] if wanted == found else [path]


def _unequal(wanted: Any, found: Any, path: str) -> list[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        names = [*wanted, *(name for name in found if name not in wanted)]
        return [p for name in names for p in _unequal(wanted.get(name), found.get(name), _join(path, name))]
    return [] if wanted == found else [path]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _empty(name: str, value: Any) -> bool:
    return (value is None or value in ({}, [])) and not (name.lower().endswith("selector") and value is not None)


def _amount(text: str) -> Decimal | str:
    try:
        return parse_quantity(text).normalize()
    except ValueError:
        return text
