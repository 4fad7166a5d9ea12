"""What goes into Argo's workflows and what comes out: parameters, and where artifacts lie. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from components.contract import KubernetesObject
from controlplane.contents.model import Output, Parameter
from controlplane.contents.reading import fields
from controlplane.contents.reading.nodes import label, nodes

OUTPUTS = 200
_LOGS = "main-logs"
"""Artifact that Argo makes of a step's log."""


def text(value: Any) -> str | None:
    """A parameter's value as Argo reads it: numbers and truth values as well; None where there is none."""
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return str(value) if isinstance(value, int | str) else None


def parameters(*specs: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Parameters of WorkflowSpecs; values of later ones replace those of earlier ones."""
    found: dict[str, Parameter] = {}
    for spec in specs:
        for entry in fields.each(spec, "arguments", "parameters"):
            name = fields.text(entry, "name")
            if name:
                found[name] = _parameter(name, entry, found.get(name))
    return tuple(found.values())


def _parameter(name: str, entry: Mapping[str, Any], before: Parameter | None) -> Parameter:
    value = text(entry.get("value"))
    if value is None:
        value = text(entry.get("default"))
    looked_up = value is None and isinstance(entry.get("valueFrom"), Mapping)
    listed = entry.get("enum")
    options = tuple(o for each in listed if (o := text(each)) is not None) if isinstance(listed, list) else ()
    said = fields.text(entry, "description")
    if before is not None:
        said, options = said or before.description, options or before.options
        if value is None and not looked_up:
            value, looked_up = before.value, before.looked_up
    return Parameter(name=name, value=value, description=said, options=options, looked_up=looked_up)


def given(obj: KubernetesObject) -> tuple[Parameter, ...]:
    """What a workflow was started with; of its template as it was then."""
    specs = (fields.at(obj, "status", "storedWorkflowTemplateSpec"), fields.at(obj, "spec"))
    return parameters(*(spec for spec in specs if isinstance(spec, Mapping)))


def outputs(obj: KubernetesObject) -> tuple[Output, ...]:
    """Of the workflow as a whole, then of its steps in the order of their start; logs of steps last."""
    store = fields.at(obj, "status", "artifactRepositoryRef", "artifactRepository")
    bucket = store if isinstance(store, Mapping) else {}
    found = list(_outputs("", fields.at(obj, "status", "outputs"), bucket))
    for node in nodes(obj).values():
        if node.get("type") in ("Pod", "Container", "HTTP", "Plugin"):
            found += _outputs(label(node), node.get("outputs"), bucket)
    found.sort(key=lambda output: output.name == _LOGS)
    return tuple(found[:OUTPUTS])


def _outputs(step: str, said: Any, store: Mapping[str, Any]) -> Iterable[Output]:
    out = said if isinstance(said, Mapping) else {}
    for entry in fields.each(out, "parameters"):
        yield Output(step=step, name=fields.text(entry, "name"), value=text(entry.get("value")) or "", place="")
    for entry in fields.each(out, "artifacts"):
        yield Output(step=step, name=fields.text(entry, "name"), value=None, place=_place(entry, store))


def _place(artifact: Mapping[str, Any], store: Mapping[str, Any]) -> str:
    """An artifact names what its workflow's store does not."""

    def part(kind: str, field: str) -> str:
        return fields.text(artifact, kind, field) or fields.text(store, kind, field)

    for kind, scheme, holder in (("s3", "s3", "bucket"), ("gcs", "gs", "bucket"), ("azure", "az", "container")):
        key = fields.text(artifact, kind, "blob" if kind == "azure" else "key")
        if key:
            return f"{scheme}://{part(kind, holder)}/{key}"
    return fields.text(artifact, "path")
