"""What runs with several workers rely on: all find the same tests, and those of one group run in one worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_FILE = """
import os
from pathlib import Path

import pytest

@pytest.mark.parametrize("number", range(12))
@pytest.mark.xdist_group("one")
def test_one(number):
    with Path(__file__).with_name("workers").open("a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)

@pytest.mark.parametrize("number", range(12))
def test_another(number):
    pass
"""


def test_a_group_stays_in_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_workers.py").write_text(_FILE)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
    assert found.returncode == 0, found.stdout
    workers = (tmp_path / "workers").read_text().split()
    assert (len(workers), len(set(workers))) == (12, 1)


def test_names_of_tests_hold_nothing_that_was_packed(request: pytest.FixtureRequest) -> None:
    """What gzip packs begins with the time: workers that start in different seconds would find different tests."""
    assert [item.nodeid for item in request.session.items if "H4sI" in item.nodeid] == []
