"""Which version of which registered model an endpoint serves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components.contract import KubernetesObject
from components.serving.names import ANNOTATION_RUN, ANNOTATION_SOURCE, ANNOTATION_VERSION
from controlplane.contents.reading import fields

_ADDRESS = re.compile(r"models:/+(?P<name>[^/:@]+)(?:/(?P<version>[0-9]{1,9})|@(?P<alias>[\w-]+))", re.ASCII)
"""`models:/<name>/<version>` or `models:/<name>@<alias>`."""


@dataclass(frozen=True)
class Served:
    """`version` None: only the alias is known. `run` empty: not said."""

    model: str
    version: int | None
    alias: str = ""
    run: str = ""


def served(service: KubernetesObject, its_pods: Iterable[KubernetesObject]) -> tuple[Served, ...]:
    """What an InferenceService is told to serve, and what its running pods were told when they started; each once."""
    predictor = fields.at(service, "spec", "predictor")
    told = predictor if isinstance(predictor, dict) else {}
    address = _ADDRESS.fullmatch(fields.text(told, "model", "storageUri"))
    if address is not None and address["version"]:
        return (Served(address["name"], int(address["version"])),)
    running = [
        fields.notes(pod)
        for pod in its_pods
        if fields.text(pod, "status", "phase") == "Running" and not fields.at(pod, "metadata", "deletionTimestamp")
    ]
    notes = [fields.at(told, "annotations") or {}, *running]
    found = {each: each for each in map(_noted, notes) if each is not None}
    if not found and address is not None:
        return (Served(address["name"], None, address["alias"]),)
    return tuple(found)


def _noted(notes: Mapping[str, Any]) -> Served | None:
    """What the platform wrote on a predictor or its pods (components/serving/names.py)."""
    match = _ADDRESS.fullmatch(str(notes.get(ANNOTATION_SOURCE) or ""))
    number = str(notes.get(ANNOTATION_VERSION) or "")
    if match is None or not re.fullmatch("[0-9]{1,9}", number):
        return None
    return Served(match["name"], int(number), match["alias"] or "", str(notes.get(ANNOTATION_RUN) or ""))
