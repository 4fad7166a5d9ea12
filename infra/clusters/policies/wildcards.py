"""Rights that are wider than anybody needs: in IAM documents, bindings, role assignments and role definitions. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.clusters.policies.model import Violation, leaves
from infra.engine.declared import Declared

_READS = re.compile(r"^[a-z0-9-]+:(Describe|List|Get|BatchGet|Check)[A-Za-z]*\*?$")
"""Actions that only look. Many of them can't be narrowed to a resource."""

UNBOUND: frozenset[str] = frozenset({"ecr:GetAuthorizationToken", "sts:GetCallerIdentity"})
"""Actions that AWS knows for `*` only."""

_GOOGLE_BASIC = ("roles/owner", "roles/editor", "roles/viewer")
_GOOGLE_EVERYBODY = ("allUsers", "allAuthenticatedUsers")
_AZURE_BROAD: Mapping[str, str] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
}


def wide_rights(resource: Declared) -> Iterator[Violation]:
    """Everything too wide in one resource."""
    if resource.kind.startswith("aws:"):
        for path, value in leaves(resource.properties):
            yield from (_violation(resource, path, reason) for reason in _document(value, resource))
    elif resource.kind.startswith("gcp:"):
        yield from _google(resource)
    elif resource.kind.startswith("azure-native:authorization:"):
        yield from _azure(resource)


def _violation(resource: Declared, path: str, reason: str) -> Violation:
    return Violation("rights", resource.kind, resource.name, path, reason)


def _document(value: Any, resource: Declared) -> Iterator[str]:
    if not isinstance(value, str) or '"Statement"' not in value:
        return
    statements = json.loads(value).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement.get("Effect") == "Allow":
            yield from _statement(statement, resource)


def _statement(statement: Mapping[str, Any], resource: Declared) -> Iterator[str]:
    called = f"statement {statement['Sid']!r}" if "Sid" in statement else "a statement"
    actions, resources = _listed(statement.get("Action")), _listed(statement.get("Resource"))
    conditional = bool(statement.get("Condition"))
    administrators = _is_key(resource) and _is_account(statement.get("Principal"))
    if _is_everybody(statement.get("Principal")) and not conditional:
        yield f"{called} allows everybody"
    if "NotAction" in statement or "NotResource" in statement:
        yield f"{called} allows all but something"
    wide = [action for action in actions if action == "*" or action.endswith(":*")]
    if wide and not administrators:
        yield f"{called} allows {wide[0]!r}"
    # In a key's own policy, `*` is that key.
    if "*" in resources and not conditional and not _is_key(resource):
        changing = [action for action in actions if not _READS.match(action) and action not in UNBOUND]
        if changing:
            yield f"{called} allows {changing[0]!r} on every resource"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _is_key(resource: Declared) -> bool:
    return resource.kind in ("aws:kms/key:Key", "aws:kms/keyPolicy:KeyPolicy")


def _is_account(principal: Any) -> bool:
    return (
        isinstance(principal, Mapping)
        and re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:root", str(principal.get("AWS"))) is not None
    )


def _is_everybody(principal: Any) -> bool:
    return principal == "*" or (
        isinstance(principal, Mapping) and "*" in [each for value in principal.values() for each in _listed(value)]
    )


def _google(resource: Declared) -> Iterator[Violation]:
    if resource.properties.get("role") in _GOOGLE_BASIC:
        yield _violation(resource, "role", f"{resource.properties['role']} is a basic role")
    for path, value in leaves(resource.properties):
        if value in _GOOGLE_EVERYBODY:
            yield _violation(resource, path, f"{value} is everybody")
    if resource.kind.endswith("IAMCustomRole"):
        for permission in resource.properties.get("permissions", []):
            if "*" in permission:
                yield _violation(resource, "permissions", f"has the wildcard {permission!r}")


def _azure(resource: Declared) -> Iterator[Violation]:
    definition = str(resource.properties.get("roleDefinitionId", "")).rpartition("/")[2]
    if definition in _AZURE_BROAD:
        yield _violation(resource, "roleDefinitionId", f"{_AZURE_BROAD[definition]} is a role over everything")
    for index, permission in enumerate(resource.properties.get("permissions", [])):
        for name in ("actions", "dataActions"):
            for action in permission.get(name) or []:
                if action == "*" or re.fullmatch(r"(\*|[A-Za-z]+\.[A-Za-z]+)/\*", action):
                    yield _violation(resource, f"permissions[{index}].{name}", f"allows {action!r}")
