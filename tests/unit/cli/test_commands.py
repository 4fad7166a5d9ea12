"""The command as a person runs it: exit codes, one clear sentence, nothing half-done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def platform(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLP_")}
    return subprocess.run(
        [sys.executable, "-m", "infra.cli.main", *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "MLP_HOME": str(folder / "homes"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_alone_it_says_where_you_are_and_what_comes_next(folder: Path) -> None:
    done = platform(folder)
    assert done.returncode == 0
    assert "Nothing is installed" in done.stdout
    assert "platform up" in done.stderr
    assert len((done.stdout + done.stderr).splitlines()) <= 24


@pytest.mark.parametrize("words", [["--nonsense"], ["nonsense"], ["tenant", "nonsense"], ["up", "--profile"]])
def test_wrong_use_is_2(folder: Path, words: list[str]) -> None:
    done = platform(folder, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_bad_profile_is_2_with_every_problem(folder: Path) -> None:
    (folder / "bad.yaml").write_text("name: X\ntarget: moon\n", "utf-8")
    done = platform(folder, "up", "--profile", "./bad.yaml", "--yes")
    assert done.returncode == 2
    assert "name: must be" in done.stderr
    assert "target: must be" in done.stderr
    assert not (folder / "homes").exists()


def test_validate_writes_json_for_programs(folder: Path) -> None:
    (folder / "bad.yaml").write_text("name: a\ntarget: local\nlocal: {nodes: 0}\n", "utf-8")
    done = platform(folder, "validate", "--profile", "./bad.yaml", "--json")
    assert done.returncode == 2
    result = json.loads(done.stdout)
    assert (result["valid"], result["problems"][0]["path"], result["problems"][0]["value"]) == (False, "local.nodes", 0)


def test_init_writes_a_valid_profile_and_keeps_an_existing_file(folder: Path) -> None:
    assert platform(folder, "init", "team.yaml").returncode == 0
    assert platform(folder, "validate", "--profile", "./team.yaml").returncode == 0
    again = platform(folder, "init", "team.yaml")
    assert again.returncode == 3
    assert "--force" in again.stderr


def test_up_asks_first_and_without_an_answer_changes_nothing(folder: Path) -> None:
    done = platform(folder, "up")
    assert done.returncode == 3
    assert "--yes" in done.stderr
    assert not (folder / "homes").exists()


def test_status_of_nothing_is_1_and_says_how_to_install(folder: Path) -> None:
    done = platform(folder, "status", "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert (result["ready"], result["components"], result["urls"]) == (False, [], {})
    assert "platform up" in result["reason"]


def test_down_of_nothing_is_done_already(folder: Path) -> None:
    done = platform(folder, "down", "--yes", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["leftovers"] == []


def test_tenants_without_a_control_plane_say_how_to_get_one(folder: Path) -> None:
    done = platform(folder, "tenant", "list")
    assert done.returncode == 1
    assert "platform up" in done.stderr


def test_an_address_that_does_not_answer_is_named(folder: Path) -> None:
    done = platform(folder, "tenant", "list", MLP_URL="https://127.0.0.1:1", MLP_TOKEN="x")
    assert done.returncode == 1
    assert "https://127.0.0.1:1 does not answer" in done.stderr


def test_a_workspace_name_without_its_tenant_is_wrong_use(folder: Path) -> None:
    done = platform(folder, "workspace", "create", "research", MLP_URL="https://127.0.0.1:1")
    assert done.returncode == 2
    assert "TENANT/NAME" in done.stderr


@pytest.mark.parametrize("words", [[], ["up"], ["status"], ["verify"], ["down"], ["tenant", "create"], ["token"]])
def test_help_is_complete(folder: Path, words: list[str]) -> None:
    done = platform(folder, *words, "-h")
    assert done.returncode == 0
    assert "Usage: platform" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["lineage", "acme/dev"],
        ["lineage", "acme/dev", "--model", "sales"],
        ["lineage", "acme/dev", "--endpoint", "a", "--run", "b"],
        ["model", "promote", "acme/dev", "sales"],
        ["model", "promote", "acme", "sales", "--version", "1"],
        ["model", "rule", "acme/dev", "--require", "accuracy"],
        ["workspace", "logs", "acme/dev", "nightly"],
    ],
)
def test_wrong_use_of_models_and_lineage_is_2(folder: Path, words: list[str]) -> None:
    done = platform(folder, *words, MLP_URL="https://127.0.0.1:1")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
