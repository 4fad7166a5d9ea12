"""A broken optional component leaves the rest alone; a broken one that others need stops everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.contract import Component, ComponentSettings, Install, KubernetesObject
from infra.engine.errors import Failure
from infra.lifecycle.broken import Chosen, broken
from tests.servers.facts import facts


def _component(name: str, *, optional: bool, requires: tuple[str, ...] = ()) -> Component[Any]:
    def objects(settings: ComponentSettings, install: Install) -> tuple[KubernetesObject, ...]:
        del settings, install
        metadata = {"name": name, "namespace": f"mlp-{name}"}
        return ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata},)

    return Component(
        name=name,
        version="1",
        summary="",
        settings=ComponentSettings,
        requires=requires,
        optional=optional,
        objects=objects,
    )


def _failure(name: str) -> Failure:
    return Failure("urn", "kubernetes:apps/v1:Deployment", f"deployment/mlp-{name}/{name}", "no pod is ready")


@pytest.fixture
def install() -> Install:
    return Install(facts=facts(), images={}, secrets={})


@pytest.fixture
def chosen() -> Chosen:
    base = _component("base", optional=False)
    shared = _component("shared", optional=True)
    user = _component("user", optional=False, requires=("shared",))
    extra = _component("extra", optional=True, requires=("base",))
    return [(each, ComponentSettings()) for each in (base, shared, user, extra)]


def test_an_optional_component_is_named_with_its_reason(chosen: Chosen, install: Install) -> None:
    assert broken([_failure("extra")], chosen, install) == {
        "extra": "Deployment deployment/mlp-extra/extra: no pod is ready"
    }


@pytest.mark.parametrize("name", ["base", "shared", "unknown"])
def test_what_others_need_stops_everything(chosen: Chosen, install: Install, name: str) -> None:
    assert broken([_failure("extra"), _failure(name)], chosen, install) == {}


def test_a_component_that_only_optional_ones_require_may_break(chosen: Chosen, install: Install) -> None:
    without = [(replace(c, requires=()), s) if c.name == "user" else (c, s) for c, s in chosen]
    assert set(broken([_failure("shared")], without, install)) == {"shared"}
