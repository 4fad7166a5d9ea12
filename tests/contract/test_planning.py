"""`platform plan --offline` as a person runs it, without a network and without credentials."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]

STACK_STEPS = {
    "local": ["cluster", "components", "control-plane"],
    "existing": ["components", "control-plane"],
    "onprem": ["cluster", "components", "control-plane"],
    "aws": ["cluster", "components", "address", "control-plane"],
    "gcp": ["cluster", "components", "address", "control-plane"],
    "azure": ["cluster", "components", "address", "control-plane"],
}


def plan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a network namespace of its own where the machine allows one: nothing is reachable there, not even loopback."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []
    prefixes = ("MLP_", "AWS_", "AZURE_", "ARM_", "GOOGLE_", "CLOUDSDK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return subprocess.run(
        [*alone, sys.executable, "-m", "infra.cli.main", "plan", "--offline", *arguments],
        cwd=folder,
        env={**kept, "HOME": str(folder), "PYTHONPATH": str(ROOT), "MLP_HOME": str(folder / "homes")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode in (0, 3), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("target", sorted(STACK_STEPS))
def test_every_target_is_planned_and_drawn(tmp_path: Path, target: str) -> None:
    picture = tmp_path / "plan.svg"
    done = plan(tmp_path, "--json", "--profile", target, "--topology", str(picture))
    found = document(done)
    assert (done.returncode, found["allowed"], found["offline"]) == (0, True, True)
    assert [step["name"] for step in found["steps"] if step["counts"]] == STACK_STEPS[target]
    assert {change["op"] for step in found["steps"] for change in step["resources"]} == {"create"}
    assert found["total"]["create"] == sum(len(step["resources"]) for step in found["steps"])
    assert (found["cost"] is not None) == (target in ("aws", "gcp", "azure"))
    assert {each["component"] for each in found["requests"]} >= {"tracking", "gateway", "control-plane"}
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")  # noqa: S314 - written by the code under test
    assert not (tmp_path / "homes").exists()


def test_a_budget_that_is_too_small_is_refused_and_the_plan_still_shown(tmp_path: Path) -> None:
    done = plan(tmp_path, "--json", "--profile", "azure", "--set", "budget.monthly=10")
    found = document(done)
    assert done.returncode == 3
    assert (found["allowed"], found["budget"]) == (False, 10.0)
    assert "above the budget of 10.00" in done.stderr
    assert found["total"]["create"] > 0


def test_a_picture_needs_a_known_ending(tmp_path: Path) -> None:
    assert plan(tmp_path, "--topology", "plan.pdf").returncode == 2
