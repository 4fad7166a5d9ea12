"""The workflow that a start makes: of a template, of a schedule, of a workflow that ended. Pure.

Made as Argo's own server would (its `workflow/common/convert.go`, and `FormulateResubmitWorkflow` in
`workflow/util/util.go`).
A workflow is run again as a new one. To retry a failed one, Argo takes its finished steps over by rewriting a status
that belongs to its controller; outside of Argo that would be guesswork.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from components.contract import KubernetesObject
from components.names import DOMAIN
from controlplane.contents.model import ContentKind, Parameter
from controlplane.contents.reading import fields
from controlplane.contents.reading.arguments import parameters
from controlplane.contents.reading.pipelines import AGAIN_LABEL, CRON_LABEL
from controlplane.errors import Finding

WORKFLOW = ("argoproj.io/v1alpha1", "Workflow")
_TEMPLATE_LABEL = "workflows.argoproj.io/workflow-template"
START = f"{DOMAIN}/start"
"""Annotation with the mark of the start that made a workflow: by it a repeated call knows its own."""
_SCHEDULED = "workflows.argoproj.io/scheduled-time"
_OWN_LABELS = frozenset(
    f"workflows.argoproj.io/{name}"
    for name in (
        "creator", "creator-email", "creator-preferred-username", "phase", "completed", "workflow-archiving-status",
    )
)  # fmt: skip
_OWN_NOTES = frozenset({START, "kubectl.kubernetes.io/last-applied-configuration"})
_LABEL_MAX = 63
"""Argo writes a workflow's name on its pods as a label."""


def template_name(kind: ContentKind, obj: KubernetesObject) -> str:
    """The WorkflowTemplate of the workspace that a schedule or workflow takes its steps from; empty where it has its
    own, or one of the cluster's."""
    reference = fields.at(_spec(kind, obj), "workflowTemplateRef")
    if not isinstance(reference, Mapping) or reference.get("clusterScope"):
        return ""
    return fields.text(reference, "name")


def asked(kind: ContentKind, obj: KubernetesObject, template: KubernetesObject | None) -> tuple[Parameter, ...]:
    """What a start can be given. `template`: the one that `template_name` names."""
    base = fields.at(template, "spec") if template is not None else None
    return parameters(*(spec for spec in (base, _spec(kind, obj)) if isinstance(spec, Mapping)))


def findings(known: Sequence[Parameter], given: Mapping[str, str]) -> list[Finding]:
    """Everything that is wrong with the values, in the order of the parameters."""
    found = []
    for parameter in known:
        pointer = f"body.parameters.{parameter.name}"
        value = given.get(parameter.name)
        if value is None:
            if parameter.value is None and not parameter.looked_up:
                found.append(Finding(pointer, "is missing; it has no default"))
        elif parameter.options and value not in parameter.options:
            found.append(Finding(pointer, f"must be one of {', '.join(parameter.options)}"))
    names = dict.fromkeys(parameter.name for parameter in known)
    has = f"it has {', '.join(names)}" if names else "it has none"
    unknown = [name for name in given if name not in names]
    return found + [Finding(f"body.parameters.{name}", f"is no parameter of it; {has}") for name in unknown]


@dataclass
class _Draft:
    """What differs from kind to kind."""

    base: str
    """The name without its suffix."""
    spec: dict[str, Any]
    labels: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    owners: list[dict[str, Any]] = field(default_factory=list)


def workflow(
    kind: ContentKind, obj: KubernetesObject, known: Sequence[Parameter], given: Mapping[str, str],
    *, suffix: str, mark: str, now: datetime,
) -> KubernetesObject:  # fmt: skip
    """The Workflow, in the namespace of what it is made of. `suffix` makes its name unlike others, `mark` tells whose
    start it is. Every value that is known is written down, so that it can be run again with the same ones."""
    if kind is ContentKind.WORKFLOWTEMPLATE:
        draft = _of_template(obj)
    elif kind is ContentKind.CRONWORKFLOW:
        draft = _of_schedule(obj, now)
    else:
        draft = _of_workflow(obj)
    base = draft.base[: _LABEL_MAX - 1 - len(suffix)].rstrip("-.")
    meta: dict[str, Any] = {
        "name": f"{base}-{suffix}", "generateName": f"{base}-", "labels": draft.labels,
        "namespace": fields.text(obj, "metadata", "namespace"), "annotations": draft.notes | {START: mark},
    }  # fmt: skip
    if draft.owners:
        meta["ownerReferences"] = draft.owners
    spec = draft.spec | {"arguments": _arguments(draft.spec.get("arguments"), known, given)}
    return {"apiVersion": WORKFLOW[0], "kind": WORKFLOW[1], "metadata": meta, "spec": spec}


def _of_template(obj: KubernetesObject) -> _Draft:
    name = fields.name(obj)
    return _Draft(name, {"workflowTemplateRef": {"name": name}}, {_TEMPLATE_LABEL: name[:_LABEL_MAX].rstrip("-.")})


def _of_schedule(obj: KubernetesObject, now: datetime) -> _Draft:
    """It counts as one of the schedule's: for its limits, its history, and its end."""
    name = fields.name(obj)
    extra = fields.at(obj, "spec", "workflowMetadata") or {}
    owner = {
        "apiVersion": WORKFLOW[0], "kind": "CronWorkflow", "name": name, "controller": True,
        "uid": fields.text(obj, "metadata", "uid"),
    }  # fmt: skip
    return _Draft(
        name, dict(_spec(ContentKind.CRONWORKFLOW, obj)),
        _texts(fields.at(extra, "labels")) | {CRON_LABEL: name[:_LABEL_MAX].rstrip("-.")},
        _texts(fields.at(extra, "annotations")) | {_SCHEDULED: now.strftime("%Y-%m-%dT%H:%M:%SZ")}, [owner],
    )  # fmt: skip


def _of_workflow(obj: KubernetesObject) -> _Draft:
    name = fields.name(obj)
    spec = {k: v for k, v in _spec(ContentKind.WORKFLOW, obj).items() if k not in ("suspend", "shutdown")}
    if spec.get("activeDeadlineSeconds") == 0:  # so it was ended
        del spec["activeDeadlineSeconds"]
    labels = {key: value for key, value in _texts(fields.labels(obj)).items() if key not in _OWN_LABELS}
    # Without the wish to hold up the owner's deletion, which takes a right on the owner.
    owners = [
        {key: value for key, value in owner.items() if key != "blockOwnerDeletion"}
        for owner in fields.each(obj, "metadata", "ownerReferences")
    ]
    return _Draft(
        fields.text(obj, "metadata", "generateName").rstrip("-.") or name, spec,
        labels | {AGAIN_LABEL: name[:_LABEL_MAX].rstrip("-.")},
        {key: value for key, value in _texts(fields.notes(obj)).items() if key not in _OWN_NOTES}, owners,
    )  # fmt: skip


def _spec(kind: ContentKind, obj: KubernetesObject) -> Mapping[str, Any]:
    path = ("spec", "workflowSpec") if kind is ContentKind.CRONWORKFLOW else ("spec",)
    found = fields.at(obj, *path)
    return found if isinstance(found, Mapping) else {}


def _texts(found: Any) -> dict[str, str]:
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, Mapping) else {}


def _arguments(before: Any, known: Sequence[Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    arguments = dict(before) if isinstance(before, Mapping) else {}
    entries = {fields.text(entry, "name"): entry for entry in fields.each(arguments, "parameters")}
    made = []
    for parameter in known:
        entry = entries.get(parameter.name, {})
        value = given.get(parameter.name, parameter.value)
        if value is not None:
            rest = {k: v for k, v in entry.items() if k not in ("name", "value", "valueFrom", "default")}
            made.append({"name": parameter.name, "value": value, **rest})
        elif entry:
            made.append(dict(entry))
    if made:
        arguments["parameters"] = made
    return arguments
