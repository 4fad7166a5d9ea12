"""Evaluates IAM policy documents, for the part of the language that the platform writes.

Anything else (an operator, a principal, NotAction) is an error: a policy that is not understood decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Document = Mapping[str, Any]
_STATEMENT_KEYS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
_NEGATED = {"StringNotEquals": "StringEquals", "ArnNotEquals": "ArnEquals"}


@dataclass(frozen=True)
class Request:
    """One call. `context` holds condition keys; a key that is absent is not in the request."""

    action: str
    resource: str
    principal: str = ""
    """ARN, service or identity provider."""
    context: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Condition keys with several values, such as aws:TagKeys."""


def permitted(
    request: Request,
    identity: Sequence[Document] = (),
    resource: Sequence[Document] = (),
    boundary: Document | None = None,
) -> bool:
    """Within one account: no explicit deny, and an allow by the identity's policies inside the boundary, or by the
    resource's."""
    everything = [*identity, *resource, *([boundary] if boundary else [])]
    if any(_says("Deny", document, request) for document in everything):
        return False
    if any(_says("Allow", document, request) for document in resource):
        return True
    inside = boundary is None or _says("Allow", boundary, request)
    return inside and any(_says("Allow", document, request) for document in identity)


def assumable(trust: Document, request: Request) -> bool:
    """Whether a role's trust policy lets the principal in."""
    return not _says("Deny", trust, request) and _says("Allow", trust, request)


def _says(effect: str, document: Document, request: Request) -> bool:
    return any(s["Effect"] == effect and _matches(s, request) for s in document["Statement"])


def _matches(statement: Document, request: Request) -> bool:
    unknown = set(statement) - _STATEMENT_KEYS
    if unknown:
        raise ValueError(f"statement with {sorted(unknown)}")
    if "Principal" in statement and not _principal(statement["Principal"], request.principal):
        return False
    if not any(_like(pattern.lower(), request.action.lower()) for pattern in _list(statement["Action"])):
        return False
    if "Resource" in statement and not any(
        _like(_filled(pattern, request), request.resource) for pattern in _list(statement["Resource"])
    ):
        return False
    return all(
        _holds(operator, key, [_filled(value, request) for value in _list(values)], request)
        for operator, key, values in _conditions(statement)
    )


def _conditions(statement: Document) -> Iterator[tuple[str, str, Any]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield operator, key, values


def _holds(operator: str, key: str, values: Sequence[str], request: Request) -> bool:
    if operator.startswith("ForAllValues:"):
        each = [replace(request, context={key: value}) for value in request.sets.get(key, ())]
        return all(_holds(operator.removeprefix("ForAllValues:"), key, values, one) for one in each)
    if operator in _NEGATED:
        return not _holds(_NEGATED[operator], key, values, request)
    found = {name.lower(): value for name, value in request.context.items()}.get(key.lower())
    if found is None:
        return False
    match operator:
        case "StringEquals":
            return found in values
        case "Bool":
            return found.lower() in [value.lower() for value in values]
        case "StringLike":
            return any(_like(value, found) for value in values)
        case "ArnEquals" | "ArnLike":
            return any(_arn_like(value, found) for value in values)
        case "NumericLessThan":
            return any(float(found) < float(value) for value in values)
    raise ValueError(f"operator {operator}")


def _arn_like(pattern: str, arn: str) -> bool:
    """Part by part: a star does not reach over a colon of the first five."""
    left, right = pattern.split(":", 5), arn.split(":", 5)
    return len(left) == len(right) and all(map(_like, left, right))


def _principal(wanted: Any, principal: str) -> bool:
    if wanted == "*":
        return True
    return any(principal in _list(names) for names in wanted.values())


def _filled(text: str, request: Request) -> str:
    """Policy variables; one without a value matches nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: request.context.get(found[1], "\0"), text)


def _like(pattern: str, text: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
