"""Differences between kept and declared resources: operations, values, secrets, values of the future."""

from __future__ import annotations

from typing import Any

from infra.plan.difference import (
    LATER,
    SECRET,
    UNKNOWN,
    PropertyChange,
    Resource,
    counts,
    differences,
    property_changes,
)


def resource(name: str, secrets: frozenset[str] = frozenset(), kind: str = "aws:ec2/vpc:Vpc", **of: Any) -> Resource:
    return Resource(f"urn::{name}", kind, name, of, secrets)


def test_each_resource_is_created_changed_replaced_destroyed_or_left_out() -> None:
    kept = [resource("same", a=1), resource("changed", a=1), resource("moved", cidr="x"), resource("gone", a=1)]
    declared = [resource("same", a=1), resource("changed", a=2), resource("moved", cidr="y"), resource("new", a=1)]
    found = differences(kept, declared, lambda _, __: frozenset({"cidr"}))
    assert [(change.op, change.name) for change in found] == [
        ("change", "changed"),
        ("replace", "moved"),
        ("create", "new"),
        ("destroy", "gone"),
    ]
    assert found[1].properties == (PropertyChange("cidr", "x", "y", replaces=True),)
    assert counts(found, 1) == {"create": 1, "change": 1, "replace": 1, "destroy": 1, "same": 1}


def test_leaves_are_named_by_path_with_both_values() -> None:
    old = resource("r", tags={"a": "1", "b": "2"}, rules=[{"port": 80}, {"port": 81}], zones=["a"])
    new = resource("r", tags={"a": "1", "c": "3"}, rules=[{"port": 80}, {"port": 82}], zones=["a", "b"])
    assert property_changes(old, new) == (
        PropertyChange("rules[1].port", 81, 82),
        PropertyChange("tags.b", "2", None),
        PropertyChange("tags.c", None, "3"),
        PropertyChange("zones", ["a"], ["a", "b"]),
    )


def test_what_a_provider_filled_in_is_no_difference_until_it_is_declared() -> None:
    old = resource("r", label="r-1234", size=1, nested={"x": 1, "__defaults": []}, __defaults=["label"])
    assert property_changes(old, resource("r", size=1, nested={"x": 1})) == ()
    assert property_changes(old, resource("r", size=1, label="own", nested={"x": 1})) == (
        PropertyChange("label", "r-1234", "own"),
    )


def test_secrets_are_compared_but_never_shown() -> None:
    secret = frozenset({"data"})
    old, new = resource("s", secret, data={"key": "old-value"}), resource("s", secret, data={"key": "new-value"})
    assert property_changes(old, old) == ()
    assert property_changes(old, new) == (PropertyChange("data.key", SECRET, SECRET),)
    assert "value" not in repr(property_changes(old, new))
    assert "old-value" not in repr(old)


def test_values_of_the_future_are_shown_as_such() -> None:
    kept = [resource("r", arn="arn:old", vpc="vpc-1")]
    declared = [resource("r", arn="arn:of-made-up-vpc-7", vpc=UNKNOWN)]
    (change,) = differences(kept, declared, lambda _, __: frozenset(), ["made-up-vpc-7"])
    assert change.properties == (PropertyChange("arn", "arn:old", LATER), PropertyChange("vpc", "vpc-1", LATER))


def test_absent_and_none_are_alike_but_true_is_not_one() -> None:
    assert property_changes(resource("r", a=None, b=1.0), resource("r", b=1)) == ()
    assert property_changes(resource("r", a=True), resource("r", a=1)) == (PropertyChange("a", True, 1),)


def test_inputs_stay_as_they_were() -> None:
    old, new = resource("r", a={"b": [1]}), resource("r", a={"b": [2]})
    property_changes(old, new)
    assert (old.properties, new.properties) == ({"a": {"b": [1]}}, {"a": {"b": [2]}})
