"""The catalog's order, and what every component of it promises."""

from __future__ import annotations

from typing import Any

import pytest

from components import catalog
from components.catalog import (
    CATALOG,
    CyclicRequirementError,
    UnknownComponentError,
    component,
    features,
    ordered,
    select,
)
from components.contract import Component, ComponentSettings
from components.names import SLUG


def _made(name: str, *requires: str, feature: bool = False) -> Component[Any]:
    return Component(
        name=name, version="1", summary="", settings=ComponentSettings, requires=requires, feature=feature,
        objects=lambda *_: (),
    )  # fmt: skip


def test_each_follows_what_it_requires_and_keeps_its_place_otherwise() -> None:
    given = (_made("console", "api"), _made("mail"), _made("api", "store"), _made("store"))
    assert [each.name for each in ordered(given)] == ["store", "api", "console", "mail"]


def test_circle_is_named() -> None:
    with pytest.raises(CyclicRequirementError, match="a → b → c → a"):
        ordered((_made("a", "b"), _made("b", "c"), _made("c", "a")))


def test_component_may_not_require_itself() -> None:
    with pytest.raises(CyclicRequirementError, match="a → a"):
        ordered((_made("a", "a"),))


def test_unknown_requirement_names_both() -> None:
    with pytest.raises(UnknownComponentError, match="'a' requires 'b', which is not a component; there are: a"):
        ordered((_made("a", "b"),))


def test_select_keeps_the_catalogs_order_and_refuses_gaps() -> None:
    assert [each.name for each in select(["gateway", "network", "gateway"])] == ["network", "gateway"]
    with pytest.raises(UnknownComponentError, match="'tracking' requires 'database'"):
        select(["tracking", "storage"])
    with pytest.raises(UnknownComponentError, match="'nothing' is not a component"):
        select(["nothing"])
    with pytest.raises(UnknownComponentError, match="'nothing' is not a component"):
        component("nothing")


def test_catalog_follows_requirements_and_names_are_unique() -> None:
    names = [each.name for each in CATALOG]
    assert len(set(names)) == len(names)
    for position, each in enumerate(CATALOG):
        assert SLUG.fullmatch(each.name)
        assert component(each.name) is each
        assert set(each.requires) <= set(names[:position])


def test_features_are_the_installed_components_that_workspaces_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    given = (_made("store"), _made("notes", feature=True), _made("mail", feature=True), _made("draw", feature=True))
    monkeypatch.setattr(catalog, "CATALOG", given)
    assert [each.name for each in features(["draw", "store", "notes", "unknown"])] == ["notes", "draw"]
    assert features(["store"]) == ()


def test_the_platform_works_without_its_features() -> None:
    for each in CATALOG:
        assert not each.feature or each.optional, each.name
        needed_by = [other.name for other in CATALOG if each.feature and each.name in other.requires]
        assert needed_by == []


def test_secrets_and_images_have_one_owner() -> None:
    secrets = [name for each in CATALOG for name in each.secrets]
    images = [image.name for each in CATALOG for image in each.images(each.settings())]
    assert len(set(secrets)) == len(secrets)
    assert len(set(images)) == len(images)
