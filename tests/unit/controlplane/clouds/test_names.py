"""Names that are valid everywhere, tell nothing, and meet nobody else's."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from controlplane.clouds.names import cloud_name, marks, owner
from tests.unit.controlplane.clouds.samples import MINE

PLACE = "111122223333"


def test_a_name_is_valid_for_buckets_containers_roles_and_identities() -> None:
    name = cloud_name("i" * 24, PLACE, MINE)
    assert re.fullmatch(r"mlp-i{24}-ws-[0-9a-f]{20}", name)
    assert len(name) <= 63


@pytest.mark.parametrize(
    "other",
    [
        cloud_name("dev", PLACE, MINE),
        cloud_name("prod", "444455556666", MINE),
        cloud_name("prod", PLACE, replace(MINE, uid="another")),
        cloud_name("prod", PLACE, replace(MINE, namespace="ws-acme--b")),
    ],
)
def test_installation_place_uid_and_namespace_make_another_name(other: str) -> None:
    assert cloud_name("prod", PLACE, MINE) != other


def test_a_change_of_the_workspace_keeps_its_name() -> None:
    changed = replace(MINE, generation=9, rotation=2, suspended=True, internet=True)
    assert cloud_name("prod", PLACE, MINE) == cloud_name("prod", PLACE, changed)


def test_tenants_cannot_be_read_from_a_name() -> None:
    assert "acme" not in cloud_name("prod", PLACE, MINE)


@pytest.mark.parametrize("separator", [":", "-", "_", ""])
def test_marks_name_the_owner_to_the_same_installation_only(separator: str) -> None:
    found = marks("prod", MINE, separator)
    assert owner(found, "prod", separator) == MINE.uid
    assert owner(found, "dev", separator) is None
    assert owner({}, "prod", separator) is None
