"""All policies over one program."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from infra.clusters import sdk
from infra.clusters.policies import aws, azure, gcp
from infra.clusters.policies.model import Beside, Must, Policy, Violation, broken
from infra.clusters.policies.wildcards import wide_rights
from infra.engine.declared import Declaration, Declared

POLICIES: tuple[Policy, ...] = get_args(Policy)
MUST: tuple[Must, ...] = (*aws.MUST, *gcp.MUST, *azure.MUST)
BESIDE: tuple[Beside, ...] = aws.BESIDE
_DATA = frozenset((*aws.DATA, *gcp.DATA, *azure.DATA))
ELSEWHERE = {**aws.ELSEWHERE, **gcp.ELSEWHERE, **azure.ELSEWHERE}
_KEYED = re.compile(r"kms|encrypt|cmek", re.IGNORECASE)


def judge(declaration: Declaration, tags: Mapping[str, str], *, keep: bool) -> tuple[Violation, ...]:
    """Everything that breaks a policy, in the order of the resources.

    `tags`: what everything that takes tags must bear (the same as labels). `keep`: whether data shall be protected, as
    the profile's `deletion_protection` says; without it the policy `protected` is silent.
    """
    inherited = _inherited(declaration)
    found: list[Violation] = []
    for resource in declaration.resources:
        if not resource.custom or not sdk.known(resource.kind) or resource.kind.startswith("pulumi:"):
            continue
        found += [violation for rule in MUST if rule.kind == resource.kind for violation in broken(rule, resource)]
        found += _beside(resource, declaration)
        found += _untagged(resource, tags, inherited)
        found += wide_rights(resource)
        if resource.kind in _DATA and not resource.protect:
            found.append(Violation("protected", resource.kind, resource.name, "", "the engine must protect it"))
    return tuple(each for each in found if keep or each.policy != "protected")


def _beside(resource: Declared, declaration: Declaration) -> Iterator[Violation]:
    for rule in BESIDE:
        if rule.kind == resource.kind:
            others = [other for other in declaration.of(rule.other) if resource.urn in other.depends]
            if not others:
                name = rule.other.rpartition(":")[2]
                yield Violation(rule.policy, resource.kind, resource.name, "", f"needs a {name} that depends on it")


# Tags


def takes_tags(kind: str) -> str:
    """The property of a type that holds tags or labels, as its SDK says; empty where it has none."""
    inputs = sdk.kind(kind).inputs
    names = ("labels", "resourceLabels") if kind.startswith("gcp:") else ("tags",)
    return next((name for name in names if name in inputs and _is_map(inputs[name])), "")


def _is_map(expected: Any) -> bool:
    return any(typing.get_origin(choice) in (dict, Mapping) or choice is dict for choice in sdk.choices(expected))


def _inherited(declaration: Declaration) -> Mapping[str, Mapping[str, str]]:
    """Package → tags that its provider gives to everything, where the program has one provider of it."""
    found: dict[str, Mapping[str, str]] = {}
    for package in sdk.PACKAGES:
        providers = declaration.of(f"pulumi:providers:{package}")
        if len(providers) == 1:
            given = providers[0].properties
            default = given.get("defaultTags") or {}
            found[package] = default.get("tags") or {} if isinstance(default, Mapping) else {}
            found[package] = given.get("defaultLabels") or found[package]
    return found


def _untagged(
    resource: Declared, tags: Mapping[str, str], inherited: Mapping[str, Mapping[str, str]]
) -> Iterator[Violation]:
    name = takes_tags(resource.kind) if tags else ""
    if not name:
        return
    given = resource.properties.get(name)
    have = {**inherited.get(sdk.package_of(resource.kind), {}), **(given if isinstance(given, Mapping) else {})}
    missing = sorted(key for key, value in tags.items() if have.get(key) != value)
    if missing:
        yield Violation("tagged", resource.kind, resource.name, name, f"lacks {', '.join(missing)}")


# Completeness


def unjudged(declaration: Declaration) -> tuple[str, ...]:
    """Types of the program that take a key or an encryption setting, and of which no rule says what it must be."""
    ruled = {rule.kind for rule in MUST if rule.policy == "encrypted"} | {
        rule.kind for rule in BESIDE if rule.policy == "encrypted"
    }
    kinds = {resource.kind for resource in declaration.resources if resource.custom and sdk.known(resource.kind)}
    return tuple(
        sorted(
            kind
            for kind in kinds - ruled - set(ELSEWHERE)
            if not kind.startswith("pulumi:") and any(_KEYED.search(name) for name in sdk.kind(kind).inputs)
        )
    )
