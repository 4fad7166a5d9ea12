"""Reading profiles: every problem at once, each with its path and value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from infra.profile.errors import ProfileInvalid, ProfileNotFound
from infra.profile.load import SHIPPED, load, merge, shipped
from infra.profile.schema import schema_text


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def problems(name: str, *overrides: str) -> dict[str, str]:
    with pytest.raises(ProfileInvalid) as caught:
        load(name, overrides)
    return {problem.path: str(problem) for problem in caught.value.problems}


@pytest.mark.parametrize("name", shipped())
def test_shipped_profiles_are_valid(name: str) -> None:
    assert load(name).name == name


def test_the_shipped_schema_is_current() -> None:
    assert (SHIPPED / "schema.json").read_text("utf-8") == schema_text()


def test_the_schema_refuses_unknown_keys() -> None:
    assert json.loads(schema_text())["additionalProperties"] is False


def test_every_problem_is_reported_with_its_path_and_value(tmp_path: Path) -> None:
    name = write(
        tmp_path,
        "bad.yaml",
        "name: Bad_Name\ntarget: local\nlocl: {}\nlocal: {nodes: 0, ports: {gateway: 80}}\nsupply: {registry: nope}\n",
    )
    found = problems(name)
    assert set(found) == {"name", "locl", "local.nodes", "local.ports.gateway", "supply.registry"}
    assert "(got 'Bad_Name')" in found["name"]
    assert "look for a typo" in found["locl"]
    assert "(got 80)" in found["local.ports.gateway"]


def test_extends_merges_mappings_and_replaces_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "name: base\ntarget: local\nlocal: {nodes: 2, ports: {gateway: 9000}}\n")
    name = write(tmp_path, "mine.yaml", "extends: base.yaml\nname: mine\nlocal: {nodes: 3}\n")
    profile = load(name)
    assert profile.local is not None
    assert (profile.name, profile.local.nodes, profile.local.ports.gateway) == ("mine", 3, 9000)


def test_extends_finds_shipped_profiles(tmp_path: Path) -> None:
    assert load(write(tmp_path, "mine.yaml", "extends: local\nname: mine\n")).target == "local"


def test_a_loop_of_extends_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "extends: b.yaml\n")
    assert "loop" in problems(write(tmp_path, "b.yaml", "extends: a.yaml\n"))["extends"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "not valid YAML at line"),
        ("- a\n- b\n", "must be a mapping"),
        ("name: a\nname: b\n", "there twice"),
        ("name: &a x\ntarget: *a\n", "aliases are not allowed"),
        ("name: !!python/object:os.system x\n", "not valid YAML"),
        ("", "must be a mapping"),
    ],
)
def test_documents_that_are_no_profile(tmp_path: Path, text: str, words: str) -> None:
    assert words in problems(write(tmp_path, "bad.yaml", text))[""]


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"name: \xff\n")
    assert "not UTF-8" in problems(str(path))[""]


def test_overrides_are_applied_last_and_checked() -> None:
    assert load("local", ["local.nodes=3"]).local.nodes == 3  # type: ignore[union-attr]
    assert set(problems("local", "local.nodes=x", "nonsense", "local.ports.api=1")) == {
        "--set",
        "local.nodes",
        "local.ports.api",
    }


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ProfileNotFound, match="aws, azure, existing, gcp, local, onprem"):
        load("locl")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("kubernetes.ranges.pods=10.96.0.0/12", "overlaps"),
        ("kubernetes.ranges.pods=8.8.0.0/16", "private"),
        ("local.taint_control_plane=true", "no workload could run"),
        ("components.storage.enabled=false", "switched off"),
        ("existing.kubeconfig=x", "belongs to target"),
        ("components.nonsense.enabled=false", "look for a typo"),
        ("components.tracking.settings.nonsense=1", "look for a typo"),
    ],
)
def test_rules_between_fields(override: str, words: str) -> None:
    assert any(words in text for text in problems("local", override).values())


def test_a_profile_survives_being_written_and_read(tmp_path: Path) -> None:
    profile = load("local")
    name = write(tmp_path, "again.yaml", yaml.safe_dump(profile.model_dump(mode="json", by_alias=True)))
    assert load(name) == profile


def test_merge_leaves_its_inputs_alone() -> None:
    base, over = {"a": {"b": 1}}, {"a": {"c": [2]}}
    assert merge(base, over) == {"a": {"b": 1, "c": [2]}}
    assert (base, over) == ({"a": {"b": 1}}, {"a": {"c": [2]}})
