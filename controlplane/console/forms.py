"""Forms: from what a browser sent to a command, every error beside its field, nothing typed is lost.

A field's name is the dotted path of the command it fills (`quota.cpu`), so that pydantic's and the services' findings
find their field by themselves. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from components.quantities import format_bytes
from controlplane.errors import PublicError
from controlplane.quotas.model import Quota
from controlplane.quotas.text import QuotaText

M = TypeVar("M", bound=BaseModel)

SLUG_HELP = "Lower-case letters, digits and single dashes, beginning with a letter; at most 24 characters."
FEATURES_HELP = "Choose among those listed."
FEATURE = "feature."
"""What the names of the boxes of features begin with."""
_MESSAGES = {
    "missing": "Fill this in.",
    "string_too_short": "At least {min_length} characters.",
    "string_too_long": "At most {max_length} characters.",
    "int_parsing": "A whole number.",
    "int_from_float": "A whole number.",
    "greater_than_equal": "At least {ge}.",
    "less_than_equal": "At most {le}.",
    "enum": "Choose one of the list.",
    "literal_error": "Choose one of the list.",
    "too_short": "Choose at least one.",
    "timezone_aware": "A date such as 2026-12-31.",
    "datetime_from_date_parsing": "A date such as 2026-12-31.",
}


@dataclass(frozen=True)
class Form:
    """What a form shows: values and errors by field name. `labels` names the fields in the summary of errors."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    """What is wrong but belongs to no field."""

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        return self.errors.get(name, "")

    def label(self, name: str) -> str:
        return self.labels.get(name, name)

    def with_error(self, error: PublicError) -> Form:
        """This form with what a service answered: findings go to the fields this form has, the rest above it."""
        found: dict[str, str] = {}
        rest: list[str] = []
        for finding in error.findings:
            name = finding.pointer.removeprefix("body.")
            known = next((n for n in self.labels if name == n or name.endswith("." + n)), None)
            if known:
                found.setdefault(known, finding.message)
            else:
                rest.append(finding.message)
        problem = " ".join(rest) if error.findings else error.detail
        return replace(self, errors={**self.errors, **found}, problem=problem)


class Incomplete(Exception):
    """A form that cannot become a command; `form` says why, field by field."""

    def __init__(self, form: Form) -> None:
        super().__init__(", ".join(form.errors))
        self.form = form


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"quota.cpu": "2", "name": "x"}` → `{"quota": {"cpu": "2"}, "name": "x"}`. Empty strings are left out."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        if value == "" or value is None:
            continue
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return tree


def fill(model: type[M], form: Form, values: Mapping[str, Any], messages: Mapping[str, str] | None = None) -> M:
    """The command. Raises Incomplete with every error at once, those already in `form` included.

    `values` are what the fields mean (a date, a quantity), `messages` the sentence for a field whose pattern failed.
    """
    errors = dict(form.errors)
    command: M | None = None
    try:
        command = model.model_validate(nested(values))
    except ValidationError as invalid:
        for name, message in _sentences(invalid, messages or {}):
            if not any(known.startswith(f"{name}.") for known in form.errors):
                errors.setdefault(name, message)
    if errors or command is None:
        raise Incomplete(replace(form, errors=_in_order(errors, form.labels)))
    return command


def read_quota(form: Form, prefix: str = "quota.", like: Quota | None = None) -> tuple[Quota | None, Form]:
    """The quota of fields `<prefix>cpu|memory|storage|pods`; memory and storage without a unit are GiB.

    Accelerators, which have no fields, are those of `like`. The form comes back with an error per field that is
    wrong; the quota is then None.
    """
    texts: dict[str, Any] = {"gpus": dict(like.gpus)} if like else {}
    for name in ("cpu", "memory", "storage", "pods"):
        value = form.value(prefix + name).strip()
        if name in {"memory", "storage"} and value.replace(".", "", 1).isdigit():
            value += "Gi"
        if value:
            texts[name] = value
    try:
        return QuotaText.model_validate(texts).quota(), form
    except ValidationError as invalid:
        hints = {
            "cpu": "A number of cores such as 2 or 0.5.",
            "memory": "A number of GiB such as 4, or a quantity such as 512Mi.",
            "storage": "A number of GiB such as 10, or a quantity such as 500Mi.",
            "pods": "A whole number.",
        }
        errors = {prefix + name: message for name, message in _sentences(invalid, hints)}
        return None, replace(form, errors={**form.errors, **errors})


def quota_values(quota: Quota, prefix: str = "quota.") -> dict[str, str]:
    """A quota as field values: GiB without a unit where it is a whole number of them."""
    return {
        prefix + "cpu": _plain_cores(quota.cpu),
        prefix + "memory": _plain_gib(quota.memory),
        prefix + "storage": _plain_gib(quota.storage),
        prefix + "pods": str(quota.pods),
    }


def read_features(form: Form) -> list[str]:
    """The features whose boxes are ticked."""
    boxes = (name for name, value in form.values.items() if name.startswith(FEATURE) and value == "true")
    return sorted(name.removeprefix(FEATURE) for name in boxes)


def feature_values(features: Iterable[str]) -> dict[str, str]:
    """Features as values of their boxes."""
    return {FEATURE + name: "true" for name in features}


def end_of_day(text: str) -> datetime | str | None:
    """The last second of a date field's day in UTC; None when empty, the text itself when it is no date."""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), tzinfo=UTC)
    except ValueError:
        return text


def _plain_cores(millicores: int) -> str:
    return f"{Decimal(millicores) / 1000:f}".rstrip("0").rstrip(".") if millicores % 1000 else str(millicores // 1000)


def _plain_gib(octets: int) -> str:
    """GiB without a unit, else a quantity with one; what is no whole number of KiB is rounded up to one."""
    whole = -(-octets // 1024) * 1024
    return str(whole // 2**30) if whole % 2**30 == 0 else format_bytes(whole)


def _sentences(invalid: ValidationError, messages: Mapping[str, str]) -> list[tuple[str, str]]:
    found = []
    for error in invalid.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in error["loc"] if not _is_noise(part))
        kind, context = error["type"], error.get("ctx", {})
        if name in messages and kind not in {"missing", "string_too_long", "greater_than_equal", "less_than_equal"}:
            message = messages[name]
        elif kind in _MESSAGES:
            message = _MESSAGES[kind].format(**context)
        else:
            message = error["msg"].removeprefix("Value error, ")
        found.append((name, message))
    return found


def _is_noise(part: int | str) -> bool:
    """pydantic puts the chosen branch of a union and the index in a list into the path; a form has neither."""
    return isinstance(part, int) or part in {"workspace-create", "function-before"}


def _in_order(errors: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    order = {name: place for place, name in enumerate(labels)}
    return dict(sorted(errors.items(), key=lambda item: order.get(item[0], len(order))))
