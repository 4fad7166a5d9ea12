"""What InferenceServices may say of calls to others, beyond what KServe itself judges. Pure."""

from __future__ import annotations

from components.isolation.policies.model import Match, Policy, Rule
from components.serving.names import ANNOTATION_IDLE, ANNOTATION_PERCENT, API_GROUP, LABEL_CANARY_OF, NAME

_ENDPOINT = "^[a-z]([-a-z0-9]{0,51}[a-z0-9])?$"
_PERCENT = "^([0-9]|[1-9][0-9]|100)$"
_MINUTES = "^[1-9][0-9]{0,4}$"
_RULE = "canaries"


def policies() -> tuple[Policy, ...]:
    """Taking calls from an endpoint is changing that endpoint: who makes a canary of it must have that right too."""
    right = f"authorizer.group('{API_GROUP}').resource('inferenceservices').namespace(request.namespace)"
    main, percent = "variables.main", "variables.percent"
    return (
        Policy(
            name="mlp-inference-services",
            component=NAME,
            matches=(Match(API_GROUP, ("inferenceservices",), version="v1beta1"),),
            # What is on its way out must lose its finalizer, whatever it says.
            conditions=(("not-going", "!has(object.metadata.deletionTimestamp)"),),
            variables=(
                ("main", _entry("object", "labels", LABEL_CANARY_OF)),
                ("percent", _entry("object", "annotations", ANNOTATION_PERCENT)),
                ("idle", _entry("object", "annotations", ANNOTATION_IDLE)),
                ("before", f"oldObject == null ? '' : {_entry('oldObject', 'labels', LABEL_CANARY_OF)}"),
                ("percentBefore", f"oldObject == null ? '' : {_entry('oldObject', 'annotations', ANNOTATION_PERCENT)}"),
            ),
            rules=(
                Rule(
                    _RULE,
                    f"{main} == '' || ({main}.matches('{_ENDPOINT}')"
                    f" && (!has(object.metadata.name) || {main} != object.metadata.name))",
                    f"the label {LABEL_CANARY_OF} is refused: name another endpoint of this workspace",
                ),
                Rule(
                    _RULE,
                    f"{percent} == '' || {percent}.matches('{_PERCENT}')",
                    f"the annotation {ANNOTATION_PERCENT} is refused: write a whole number from 0 to 100",
                ),
                Rule(
                    _RULE,
                    f"{main} == '' || ({main} == variables.before && {percent} == variables.percentBefore)"
                    f" || {right}.name({main}).check('update').allowed()",
                    f"the label {LABEL_CANARY_OF} is refused: it takes calls from an endpoint that this account may "
                    "not change",
                ),
                Rule(
                    "sleep",
                    f"variables.idle == '' || ({main} == '' && variables.idle.matches('{_MINUTES}'))",
                    f"the annotation {ANNOTATION_IDLE} is refused: write a whole number from 1 to 99999, and not on a "
                    "canary, which would lose its share while it sleeps",
                ),
            ),
        ),
    )


def _entry(obj: str, field: str, key: str) -> str:
    """The value in labels or annotations; an empty text where there is none."""
    there = f"{obj}.metadata.{field}"
    return f"(has({there}) && '{key}' in {there} ? {there}['{key}'] : '')"
