"""Who owns what: adoption, names, namespaces, fields of others, conflicts."""

from __future__ import annotations

import pytest

from infra.engine.errors import ResourcesFailed
from tests.contract.kubernetes_provider.conftest import Case
from tests.contract.kubernetes_provider.objects import config_map

pytestmark = pytest.mark.contract

MAPS = "v1/configmaps"


def test_create_adopts_an_existing_object(case: Case) -> None:
    before = case.post(MAPS, config_map("settings", {"theirs": "1"}))

    result = case.up({"settings": config_map("settings", {"ours": "2"})})

    after = case.get(MAPS, "settings")
    assert case.ops(result) == {"settings": "create"}
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"] == {"theirs": "1", "ours": "2"}


def test_a_missing_name_is_generated_and_kept(case: Case) -> None:
    case.up({"settings": config_map(None, {"a": "1"})})
    (first,) = [each["metadata"]["name"] for each in case.list(MAPS) if each["data"].get("a")]

    result = case.up({"settings": config_map(None, {"a": "2"})})

    assert first.startswith("settings-")
    assert case.ops(result) == {"settings": "update"}
    assert [each["metadata"]["name"] for each in case.list(MAPS) if each["data"].get("a") == "2"] == [first]


def test_objects_without_a_namespace_land_in_the_providers(case: Case) -> None:
    result = case.up({"settings": config_map("settings", {"a": "1"})})

    assert case.get(MAPS, "settings")["metadata"]["namespace"] == case.namespace
    assert result.outputs["settings"].value == f"{case.namespace}/settings"


def test_a_field_dropped_from_the_program_is_removed(case: Case) -> None:
    case.up({"settings": config_map("settings", {"a": "1", "b": "2"}, labels={"x": "y"})})

    result = case.up({"settings": config_map("settings", {"a": "1"})})

    after = case.get(MAPS, "settings")
    assert case.ops(result) == {"settings": "update"}
    assert after["data"] == {"a": "1"}
    assert "labels" not in after["metadata"]


def test_fields_of_others_stay(case: Case) -> None:
    case.up({"settings": config_map("settings", {"a": "1"})})
    case.merge(MAPS, "settings", {"data": {"theirs": "3"}, "metadata": {"labels": {"their": "label"}}})

    case.up({"settings": config_map("settings", {"a": "2"})})

    after = case.get(MAPS, "settings")
    assert after["data"] == {"a": "2", "theirs": "3"}
    assert after["metadata"]["labels"] == {"their": "label"}


def test_a_conflict_names_the_other_field_manager(case: Case) -> None:
    case.up({"settings": config_map("settings", {"a": "1"})})
    case.merge(MAPS, "settings", {"data": {"a": "theirs"}})

    with pytest.raises(ResourcesFailed, match="somebody") as refused:
        case.up({"settings": config_map("settings", {"a": "2"})})

    assert [failure.name for failure in refused.value.failures] == ["settings"]
    assert case.get(MAPS, "settings")["data"] == {"a": "theirs"}


def test_patch_force_takes_a_field_over(case: Case) -> None:
    case.up({"settings": config_map("settings", {"a": "1"})})
    case.merge(MAPS, "settings", {"data": {"a": "theirs"}})

    case.up({"settings": config_map("settings", {"a": "2"}, annotations={"pulumi.com/patchForce": "true"})})

    assert case.get(MAPS, "settings")["data"] == {"a": "2"}


def test_drift_is_seen_by_a_refresh_and_undone(case: Case) -> None:
    objects = {
        "changed": config_map("changed", {"a": "1"}, annotations={"pulumi.com/patchForce": "true"}),
        "deleted": config_map("deleted", {"a": "1"}),
    }
    case.up(objects)
    case.merge(MAPS, "changed", {"data": {"a": "theirs"}})
    case.delete(MAPS, "deleted")

    result = case.up(objects, refresh=True)

    assert case.ops(result) == {"changed": "update", "deleted": "create"}
    assert case.get(MAPS, "changed")["data"] == {"a": "1"}
    assert case.get(MAPS, "deleted")["data"] == {"a": "1"}


def test_the_same_program_changes_nothing(case: Case) -> None:
    objects = {"settings": config_map("settings", {"a": "1"}), "named": config_map(None, {"b": "1"})}
    case.up(objects)
    version = case.get(MAPS, "settings")["metadata"]["resourceVersion"]

    result = case.up(objects, refresh=True)

    assert not result.changed
    assert case.get(MAPS, "settings")["metadata"]["resourceVersion"] == version
