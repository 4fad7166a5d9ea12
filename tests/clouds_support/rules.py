"""How the clouds behave where their SDKs' types do not say it: names, what cannot change, what may not go. Pure."""

from __future__ import annotations

import hashlib
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import _types

from infra.clusters.sdk import UNKNOWN, Kind, choices
from tests.clouds_support.store import Thing

IMMUTABLE = frozenset(
    {
        "accountId",
        "availabilityZone",
        "bucket",
        "cidrBlock",
        "clusterName",
        "engine",
        "identifier",
        "ipCidrRange",
        "kmsKeyId",
        "location",
        "name",
        "network",
        "nodeGroupName",
        "principalId",
        "project",
        "region",
        "repositoryId",
        "roleDefinitionId",
        "subnetId",
        "topicId",
        "vpcId",
    }
)
"""Top-level properties whose change replaces a resource, whatever its type."""

MUTABLE: Mapping[str, frozenset[str]] = {
    "aws:rds/instance:Instance": frozenset({"identifier"}),
    "aws:route53/zone:Zone": frozenset(),
}
"""By type: properties of IMMUTABLE that can change there after all."""

PROTECTIONS = ("deletionProtection", "deletionProtectionEnabled", "enableDeletionProtection")
"""A resource with one of these switched on can't be deleted."""


def replaces(token: str, changed: list[str]) -> list[str]:
    """Those of the changed properties that need a new resource."""
    free = MUTABLE.get(token, frozenset())
    # In Azure's API every name is a part of the resource's path.
    azure = token.startswith("azure-native:")
    return [name for name in changed if (name in IMMUTABLE or (azure and name.endswith("Name"))) and name not in free]


def protected(inputs: Mapping[str, Any]) -> str:
    """The property that keeps this resource from being deleted; empty where nothing does."""
    return next((name for name in PROTECTIONS if inputs.get(name) is True), "")


def users(thing: Thing, things: Sequence[Thing]) -> list[Thing]:
    """Those with an input that is this one's id. Where the id is a name, which others may just happen to have as well,
    the input must be called like the type, such as `bucket`."""
    named = thing.id in thing.inputs.values()
    word = thing.kind.rpartition(":")[2].lower()
    found = []
    for other in things:
        given = {
            key: value
            for key, value in other.inputs.items()
            if key not in _TAGS and (word in key.lower() if named else True)
        }
        if (other.kind, other.id) != (thing.kind, thing.id) and thing.id != other.id and thing.id in texts(given):
            found.append(other)
    return found


_TAGS = ("tags", "tagsAll", "labels", "resourceLabels", "effectiveLabels", "pulumiLabels")


def texts(value: Any) -> set[str]:
    """Every string inside a value."""
    if isinstance(value, Mapping):
        return {text for below in value.values() for text in texts(below)}
    if isinstance(value, list):
        return {text for below in value for text in texts(below)}
    return {value} if isinstance(value, str) else set()


def auto_name(kind: Kind, resource: str, inputs: Mapping[str, Any], seed: bytes) -> dict[str, str]:
    """The name that the provider gives a resource that has none, as the official ones do."""
    if "name" not in kind.inputs or "name" in inputs or "namePrefix" in inputs:
        return {}
    if str not in choices(kind.inputs["name"]):
        return {}
    return {"name": f"{resource}-{hashlib.sha256(seed).hexdigest()[:7]}"}


def is_name(token: str, identity: str, inputs: Mapping[str, Any]) -> bool:
    """Whether the program chose this id, so that the cloud refuses a second resource with it. Ids of Azure and Google
    are made of names; AWS takes a name as id, or makes one up."""
    return not token.startswith("aws:") or identity in inputs.values()


def made_up_id(token: str, resource: str, inputs: Mapping[str, Any], urn: str) -> str:
    """An id as no other resource has it."""
    digest = hashlib.sha256(urn.encode()).hexdigest()
    last = token.rpartition(":")[2]
    if token.startswith("azure-native:"):
        group = inputs.get("resourceGroupName", "group")
        return f"/subscriptions/{_uuid(digest)}/resourceGroups/{group}/providers/{last}/{resource}-{digest[:6]}"
    if token.startswith("gcp:"):
        return f"projects/project/{last}/{resource}-{digest[:6]}"
    return f"{last.lower()}-{digest[:17]}"


def _uuid(digest: str) -> str:
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def outputs(kind: Kind, resource: str, inputs: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """All outputs: the inputs, what is known, and for every other one that always has a value one of its type."""
    made = {
        name: _value(expected, f"{resource}-{name}")
        for name, expected in kind.outputs.items()
        if name not in inputs and name not in known and not _optional(expected)
    }
    return {**made, **inputs, **known}


def planned(kind: Kind, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs as a preview knows them: the inputs, but for what only the cloud adds, inside them too, and for what it
    gives back in another form."""
    return {name: _planned(inputs[name], each) if name in inputs else UNKNOWN for name, each in kind.outputs.items()}


def _planned(value: Any, expected: Any) -> Any:
    if not isinstance(value, Mapping | list):
        return value
    for choice in choices(expected):
        origin = typing.get_origin(choice)
        if isinstance(value, Mapping) and isinstance(choice, type) and _types.is_output_type(choice):
            below = _types.output_type_types(choice)
            return {name: _planned(value[name], each) if name in value else UNKNOWN for name, each in below.items()}
        if isinstance(value, list) and origin in _LISTS:
            return [_planned(each, typing.get_args(choice)[0]) for each in value]
        if isinstance(value, Mapping) and (choice in (dict, Any) or (origin is not None and origin not in _LISTS)):
            return dict(value)
    return UNKNOWN


def _optional(expected: Any) -> bool:
    return type(None) in typing.get_args(expected)


_DEPTH = 3
"""Types that hold themselves end there."""


def _value(expected: Any, hint: str, depth: int = _DEPTH) -> Any:
    for choice in choices(expected):
        if choice is bool:
            return False
        if choice in (int, float):
            return 1
        if choice is str:
            return hint
        if isinstance(choice, type) and _types.is_output_type(choice):
            below = _types.output_type_types(choice) if depth else {}
            return {
                name: _value(each, f"{hint}-{name}", depth - 1) for name, each in below.items() if not _optional(each)
            }
        origin = typing.get_origin(choice)
        if origin in _LISTS:
            item = typing.get_args(choice)[0]
            return [hint] if item is str else []
        if origin is not None or choice is dict:
            return {}
    return None


_LISTS = (list, Sequence)
