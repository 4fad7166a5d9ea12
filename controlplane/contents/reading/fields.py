"""Fields of Kubernetes objects: always with an answer, whatever is missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from components.contract import KubernetesObject

_REFUSED = re.compile(r"denied request: (?P<why>.+?)\s*$", re.DOTALL)
_QUOTA = re.compile(
    r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>.+), used: (?P<used>.+), limited: (?P<limit>.+?)\s*$"
)
_LIMIT = re.compile(
    r"maximum (?P<what>\S+) usage per (?P<per>Container|Pod) is (?P<most>\S+), but limit is (?P<asked>[^],\s]+)"
)
_REFUSED_POD = re.compile(r'^Error creating: pods? "[^"]*" is forbidden: ')
_LENGTH = 600


def at(obj: Mapping[str, Any], *path: str) -> Any:
    """The value at a path, None where a part of it is missing."""
    found: Any = obj
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def text(obj: Mapping[str, Any], *path: str) -> str:
    found = at(obj, *path)
    return found if isinstance(found, str) else ""


def number(obj: Mapping[str, Any], *path: str) -> int:
    found = at(obj, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def each(obj: Mapping[str, Any], *path: str) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    found = at(obj, *path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def time(obj: Mapping[str, Any], *path: str) -> datetime | None:
    """A time; None where it is missing or no time."""
    found = text(obj, *path)
    try:
        moment = datetime.fromisoformat(found) if found else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def name(obj: KubernetesObject) -> str:
    return text(obj, "metadata", "name")


def labels(obj: KubernetesObject) -> Mapping[str, str]:
    found = at(obj, "metadata", "labels")
    return found if isinstance(found, Mapping) else {}


def notes(obj: KubernetesObject) -> Mapping[str, str]:
    found = at(obj, "metadata", "annotations")
    return found if isinstance(found, Mapping) else {}


def controlled(obj: KubernetesObject) -> bool:
    """Whether a controller made it for another object."""
    return any(owner.get("controller") for owner in each(obj, "metadata", "ownerReferences"))


def condition(obj: KubernetesObject, kind: str) -> Mapping[str, Any]:
    """The condition of a type; empty where there is none."""
    return next((c for c in each(obj, "status", "conditions") if c.get("type") == kind), {})


def holds(obj: KubernetesObject, kind: str) -> bool:
    return condition(obj, kind).get("status") == "True"


def said(found: Mapping[str, Any]) -> str:
    """A condition's message, else its reason, in words."""
    return words(text(found, "message") or text(found, "reason"))


def words(message: str) -> str:
    """What Kubernetes says, without its wrapping: a refusal's own sentence, a quota's numbers."""
    quota = _QUOTA.search(message)
    if quota is not None:
        return (
            f"The workspace's quota is used up: asked for {quota['asked']}, "
            f"in use {quota['used']}, allowed {quota['limit']}."
        )
    limit = _LIMIT.search(message)
    if limit is not None:
        return (
            f"A {limit['per'].lower()} may have {limit['most']} {limit['what']} at most in this workspace; "
            f"it asks for {limit['asked']}."
        )
    refused = _REFUSED.search(message)
    plain = " ".join((refused["why"] if refused else _REFUSED_POD.sub("", message)).split())
    return plain if len(plain) <= _LENGTH else plain[: _LENGTH - 1] + "…"


def first(sentences: Iterable[str]) -> str:
    """The first that says something."""
    return next((sentence for sentence in sentences if sentence), "")
