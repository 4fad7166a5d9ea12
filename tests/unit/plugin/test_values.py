"""Property values, their secrets, and what is not known yet."""

from __future__ import annotations

import pytest
from pulumi import StringAsset
from pulumi.provider.experimental.property_value import PropertyValue

from infra.providers.plugin.values import UNKNOWN, has_unknown, marked_map, plain, plain_map, secret_paths

DATA = {"spec": {"replicas": 3, "ratio": 0.5, "on": True, "list": [1, {"a": None}], "text": "x"}}


def test_plain_data_survives_the_way_there_and_back() -> None:
    assert plain_map(marked_map(DATA)) == DATA


def test_whole_numbers_are_ints_and_booleans_stay() -> None:
    found = plain_map({"n": PropertyValue(3.0), "b": PropertyValue(True), "f": PropertyValue(1.5)})
    assert [type(found[key]) for key in ("n", "b", "f")] == [int, bool, float]


def test_the_engines_own_properties_are_left_out() -> None:
    assert plain_map({"__defaults": PropertyValue([]), "a": PropertyValue("b")}) == {"a": "b"}


def test_marks_come_back_at_the_same_paths() -> None:
    secrets = frozenset({("spec", "list", 1, "a"), ("spec", "text")})
    values = marked_map(DATA, secrets)
    assert secret_paths(values) == secrets
    assert plain_map(values) == DATA


def test_a_mark_on_a_whole_covers_what_is_inside() -> None:
    assert secret_paths(marked_map({"data": {"a": "b"}}, {("data",)})) == {("data",)}


def test_an_asset_is_refused() -> None:
    with pytest.raises(TypeError, match="StringAsset"):
        plain(PropertyValue(StringAsset("text")))


def test_unknown_values_are_found_anywhere() -> None:
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": [{"b": "known"}]})
