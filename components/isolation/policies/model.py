"""A policy as plain values, and the two Kubernetes objects it becomes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.names import DOMAIN, LABEL_TENANT

COMPONENT = "isolation"

PLATFORM = f"authorizer.group('{DOMAIN}').resource('workspaces').check('manage').allowed()"
"""Whether RBAC calls the requester a manager of workspaces: the control plane, and cluster administrators."""

CONTROLLER = (
    "(request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
    " || request.userInfo.username in"
    " ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver'])"
)
"""Whether the cluster's own controllers ask. Without them a namespace would hang in Terminating by our policies."""

WORKSPACE_NAME = "matches('^ws-[a-z0-9-]+--[a-z0-9-]+$')"
"""CEL call on a string: whether it is the name of a workspace's namespace (`names.workspace_namespace`)."""

WRITES = ("CREATE", "UPDATE")
ADMIN = "a platform administrator can allow it"


@dataclass(frozen=True)
class Match:
    """Resources of one API group in one version, so that expressions are type-checked; other versions match as well."""

    group: str
    resources: tuple[str, ...]
    operations: tuple[str, ...] = WRITES
    version: str = "v1"


@dataclass(frozen=True)
class Rule:
    """`allow` is the CEL expression that must hold. `message` says what was refused and who may change it.

    `detail` is a CEL expression of type string for a message that names the offending value.
    """

    name: str
    allow: str
    message: str
    detail: str = ""


@dataclass(frozen=True)
class Policy:
    """A ValidatingAdmissionPolicy for namespaces of tenants, or with `everywhere` for the whole cluster."""

    name: str
    matches: tuple[Match, ...]
    rules: tuple[Rule, ...]
    variables: tuple[tuple[str, str], ...] = ()
    conditions: tuple[tuple[str, str], ...] = ()
    """Name → CEL: the policy is asked only where all hold."""
    everywhere: bool = False
    component: str = COMPONENT
    namespaces: dict[str, Any] = field(
        default_factory=lambda: {"matchExpressions": [{"key": LABEL_TENANT, "operator": "Exists"}]}
    )

    def objects(self) -> tuple[KubernetesObject, KubernetesObject]:
        """The policy and its binding."""
        resource_rules = [
            {
                "apiGroups": [match.group],
                "apiVersions": [match.version],
                "operations": list(match.operations),
                "resources": list(match.resources),
                "scope": "*",
            }
            for match in self.matches
        ]
        constraints = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
        spec: dict[str, Any] = {
            "failurePolicy": "Fail",
            "matchConstraints": {**constraints, "resourceRules": resource_rules},
            "validations": [self._validation(rule) for rule in self.rules],
        }
        if self.variables:
            spec["variables"] = [{"name": name, "expression": text} for name, text in self.variables]
        if self.conditions:
            spec["matchConditions"] = [{"name": name, "expression": text} for name, text in self.conditions]
        selector = {} if self.everywhere else self.namespaces
        binding = {
            "policyName": self.name,
            "validationActions": ["Deny", "Audit"],
            "matchResources": {**constraints, "namespaceSelector": selector},
        }
        return (
            self._object("ValidatingAdmissionPolicy", spec),
            self._object("ValidatingAdmissionPolicyBinding", binding),
        )

    def _object(self, kind: str, spec: dict[str, Any]) -> KubernetesObject:
        return k8s.obj(
            "admissionregistration.k8s.io/v1", kind, self.component, self.name, namespaced=False, spec=spec
        )  # fmt: skip

    def _validation(self, rule: Rule) -> dict[str, str]:
        validation = {
            "expression": rule.allow,
            "message": f"{rule.message} (rule: {rule.name})",
            "reason": "Forbidden",
        }
        if rule.detail:
            validation["messageExpression"] = f"{rule.detail} + {quoted(f' (rule: {rule.name})')}"
        return validation


def quoted(text: str) -> str:
    """A CEL string literal. CEL reads JSON's escapes."""
    return json.dumps(text)


def quoted_list(values: Iterable[str]) -> str:
    """A CEL list of string literals, without repeats."""
    return f"[{', '.join(quoted(value) for value in dict.fromkeys(values))}]"


def unset(path: str) -> str:
    """Whether an optional boolean field is absent or false."""
    return f"(!has({path}) || !{path})"


def each(items: str, variable: str, condition: str) -> str:
    """Whether the condition holds for every item of an optional list. Rules of roles are null where there are none."""
    return f"(!has({items}) || dyn({items}) == null || {items}.all({variable}, {condition}))"
