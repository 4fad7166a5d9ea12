"""The rights in docs/targets/rights are those of the programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.clusters.rights import rights
from infra.profile.load import load
from tests.contract.clouds.programs import CLOUDS

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "targets" / "rights"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_documents_are_current(cloud: str) -> None:
    made = rights(load(cloud))
    kept = {path.name: path.read_text("utf-8") for path in FOLDER.glob(f"{cloud}-*")}
    assert made == kept, f"write them anew: platform rights --profile {cloud} --write docs/targets/rights"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_document_has_a_wildcard_action(cloud: str) -> None:
    paths = sorted(FOLDER.glob(f"{cloud}-*.json"))
    assert paths
    for path in paths:
        assert '"*:*"' not in path.read_text("utf-8")
        document = json.loads(path.read_text("utf-8"))
        listed = _actions(document)
        assert listed
        assert [action for action in listed if action.endswith(("*", "/*", ":*"))] == []


def _actions(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value[key] for key in ("Action", "Actions", "includedPermissions") if key in value]
        flat = [action for each in own for action in (each if isinstance(each, list) else [each])]
        return flat + [action for below in value.values() for action in _actions(below)]
    return [action for below in value for action in _actions(below)] if isinstance(value, list) else []


def test_the_command_prints_and_writes_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.cli.main", "rights", "--profile", CLOUDS[0]]
    said = subprocess.run([*command, "--write", str(tmp_path), "--json"], cwd=ROOT, capture_output=True, check=True)
    files = json.loads(said.stdout)["files"]
    assert files
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == files
