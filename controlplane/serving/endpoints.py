"""InferenceServices as the gate sees them, and which of them answers a call. Pure.

A canary takes a share of another endpoint's calls: one decision for each call, by chance, which nobody can steer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.contract import KubernetesObject
from components.serving.names import (
    ANNOTATION_ASLEEP,
    ANNOTATION_HELD,
    ANNOTATION_IDLE,
    ANNOTATION_PERCENT,
    ANNOTATION_STOP,
    LABEL_CANARY_OF,
)

_PERCENT = re.compile("[0-9]|[1-9][0-9]|100")
_MINUTES = re.compile("[1-9][0-9]{0,4}")
_ALL = 100


@dataclass(frozen=True)
class Endpoint:
    """One InferenceService of a namespace."""

    name: str
    ready: bool
    """Whether it answers: ready by KServe's word, neither stopped nor on its way out."""
    stopped: bool = False
    main: str = ""
    """The endpoint that it is a canary of; empty for none."""
    percent: int = 0
    """The share of that endpoint's calls that it asks for."""
    asleep: bool = False
    """Whether the platform stopped it, as nobody called it, so that a call starts it again."""
    held: bool = False
    """Whether it was not started yet, as the version that its alias points to is not known."""
    idle_minutes: int = 0
    """It sleeps after so long without a call; 0: never."""


def endpoint(obj: KubernetesObject) -> Endpoint:
    meta = obj["metadata"]
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    stopped = _true(notes, ANNOTATION_STOP)
    conditions = (obj.get("status") or {}).get("conditions") or ()
    ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
    said = str(labels.get(LABEL_CANARY_OF) or "")
    main = said if said != meta["name"] else ""
    return Endpoint(
        name=meta["name"],
        ready=ready and not stopped and not meta.get("deletionTimestamp"),
        stopped=stopped,
        main=main,
        percent=_percent(notes) if main else 0,
        asleep=stopped and _true(notes, ANNOTATION_ASLEEP),
        held=stopped and _true(notes, ANNOTATION_HELD),
        idle_minutes=0 if main else _minutes(notes),
    )


def _true(notes: Mapping[str, Any], key: str) -> bool:
    return str(notes.get(key, "")).lower() == "true"


def _minutes(notes: Mapping[str, Any]) -> int:
    said = str(notes.get(ANNOTATION_IDLE, ""))
    return int(said) if _MINUTES.fullmatch(said) else 0


def _percent(notes: Mapping[str, Any]) -> int:
    """What is no whole number from 0 to 100 is 0; admission refuses it besides."""
    said = str(notes.get(ANNOTATION_PERCENT, ""))
    return int(said) if _PERCENT.fullmatch(said) else 0


def shares(endpoints: Mapping[str, Endpoint], name: str) -> dict[str, int]:
    """Canary → percent of the calls of `name` that it takes, in order of names; what is left stays with `name`.

    Only ready canaries take any. Together they take 100 at most: who comes later in the order of names gets what is
    left. None where `name` is not there, stopped, or a canary itself, whose model has another name than its own.
    """
    known = endpoints.get(name)
    if known is None or known.stopped or known.main:
        return {}
    found, left = {}, _ALL
    for each in sorted(endpoints.values(), key=lambda one: one.name):
        share = min(each.percent, left) if each.main == name and each.ready else 0
        if share:
            found[each.name] = share
            left -= share
    return found


def chosen(endpoints: Mapping[str, Endpoint], name: str, draw: float) -> str:
    """The endpoint that answers a call to `name`. `draw`: evenly distributed in [0, 1)."""
    at = draw * _ALL
    for canary, share in shares(endpoints, name).items():
        if at < share:
            return canary
        at -= share
    return name
