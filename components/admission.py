"""Policies that complete objects of workspaces as they are made, pods above all: JSON patches that the API server
computes by CEL.

They only add what an author left out. What cannot be completed is refused, and so is what a policy of the platform
refuses afterwards: validation sees the completed object.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.names import DOMAIN, LABEL_TENANT

ANNOTATION_ENVIRONMENT = f"{DOMAIN}/environment"
"""On a pod, with value `none`: nothing is added to it."""

CONTAINERS = ("containers", "initContainers")

_SINCE = (1, 36)
"""First version of Kubernetes that serves MutatingAdmissionPolicies without being told to."""


def served(kubernetes_version: str) -> bool:
    """Whether a cluster of a version such as `v1.36.3` or `v1.35.1-eks-ab12` completes pods."""
    major, minor = kubernetes_version.removeprefix("v").split(".")[:2]
    digits = "".join(character for character in minor if character.isdigit())
    return (int(major), int(digits)) >= _SINCE


_NOTES = "object.metadata.annotations"
_WANTED = " || ".join(
    (
        f"!has({_NOTES})",
        f"!('{ANNOTATION_ENVIRONMENT}' in {_NOTES})",
        f"{_NOTES}['{ANNOTATION_ENVIRONMENT}'] != 'none'",
    )
)


@dataclass(frozen=True)
class Completion:
    """A MutatingAdmissionPolicy for what is made in namespaces of tenants."""

    component: str
    name: str
    mutations: tuple[str, ...]
    """CEL expressions, each a list of JSONPatch; a later one sees what an earlier one did."""
    group: str = ""
    version: str = "v1"
    resource: str = "pods"
    wanted: str = _WANTED
    """CEL condition on `object`; by default, that its notes do not ask to be left alone."""

    def objects(self) -> tuple[KubernetesObject, KubernetesObject]:
        """The policy and its binding."""
        constraints: dict[str, Any] = {"matchPolicy": "Equivalent", "objectSelector": {}}
        rule = {
            "apiGroups": [self.group],
            "apiVersions": [self.version],
            "operations": ["CREATE"],
            "resources": [self.resource],
            "scope": "Namespaced",
        }
        selector = {"matchExpressions": [{"key": LABEL_TENANT, "operator": "Exists"}]}
        policy = {
            "failurePolicy": "Fail",
            # Webhooks add containers afterwards, and those want the same.
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {**constraints, "namespaceSelector": {}, "resourceRules": [rule]},
            "matchConditions": [{"name": "wanted", "expression": self.wanted}],
            "mutations": [
                {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}} for expression in self.mutations
            ],
        }
        binding = {
            "policyName": self.name,
            "matchResources": {**constraints, "namespaceSelector": selector},
        }
        return (
            self._object("MutatingAdmissionPolicy", policy),
            self._object("MutatingAdmissionPolicyBinding", binding),
        )

    def _object(self, kind: str, spec: dict[str, Any]) -> KubernetesObject:
        return k8s.obj(
            "admissionregistration.k8s.io/v1", kind, self.component, self.name, namespaced=False, spec=spec
        )  # fmt: skip


class Expression(str):
    """CEL inside of a value for `literal`."""


def literal(kind: str, value: Any) -> str:
    """A value as CEL. `kind` is the type of a mapping by its path, such as `Object.spec.volumes`."""
    match value:
        case Mapping():
            fields = ", ".join(f"{name}: {literal(f'{kind}.{name}', each)}" for name, each in value.items())
            return f"{kind}{{{fields}}}"
        case list() | tuple():
            return f"[{', '.join(literal(kind, each) for each in value)}]"
        case Expression():
            return str(value)
        case _:
            return json.dumps(value)


def add(path: str, value: str) -> str:
    """A patch that sets a field, or inserts into a list. Both are CEL: a string, and a value of the field's type."""
    return f"JSONPatch{{op: 'add', path: {path}, value: {value}}}"


def where(condition: str, *patches: str) -> str:
    """These patches, or none."""
    return f"({condition} ? [{', '.join(patches)}] : [])"


def each_container(containers: str, condition: str, path: str, value: str) -> str:
    """A patch for each container `c` for which the condition holds; `path` is below the container."""
    at = f"'/spec/{containers}/' + string(i) + '{path}'"
    return (
        f"(has(object.spec.{containers})"
        f" ? object.spec.{containers}.transformList(i, c, {condition}, {add(at, value)}) : [])"
    )


def insert(containers: str, field: str, items: Iterable[tuple[str, Mapping[str, Any]]], *, first: bool) -> str:
    """Items for the list `field` of each container, made where there is none. An item comes with a CEL condition on
    the container `c` that has such a list, under which it is there already. `first`: before those that are there.

    The list is made empty and then filled: a patch whose value is a list of objects breaks the API server 1.36.
    """
    place = f"/{field}/0" if first else f"/{field}/-"
    wanted = list(items)
    return together(
        (
            each_container(containers, f"!has(c.{field})", f"/{field}", "[]"),
            *(
                each_container(
                    containers,
                    f"!has(c.{field}) || !({present})",
                    place,
                    literal(f"Object.spec.{containers}.{field}", item),
                )
                for present, item in (reversed(wanted) if first else wanted)
            ),
        )
    )


def together(lists: Iterable[str]) -> str:
    """One list of patches."""
    return " + ".join(lists)
