"""Which examples of SDKs are tried, and that each has what it needs."""

from __future__ import annotations

import re

import pytest

from components.catalog import CATALOG
from tests.e2e.sdks.__main__ import chosen
from tests.e2e.sdks.desk import EXAMPLES, EXAMPLES_FOLDER, PACKAGES_FOLDER
from tests.tools.locks import LOCKS

ALL = {part for example in EXAMPLES for part in example.needs}
_TOP = re.compile(r"^([a-z-]+)==", re.MULTILINE)


def _programs(words: list[str], components: set[str]) -> list[str]:
    return [example.program for example in chosen(words, components)]


def test_all_are_tried_where_everything_is_installed() -> None:
    assert _programs([], ALL) == [example.program for example in EXAMPLES]
    assert {component.name for component in CATALOG} >= ALL


def test_what_is_not_installed_is_left_out() -> None:
    assert _programs([], {"tracking"}) == ["mlflow_quickstart"]
    assert _programs([], ALL - {"training"}) == [
        "mlflow_quickstart", "katib_tune", "hera_workflow", "kfp_pipeline", "kserve_endpoint",
    ]  # fmt: skip


def test_one_comes_with_what_it_builds_on() -> None:
    assert _programs(["KServe"], ALL) == ["mlflow_quickstart", "kserve_endpoint"]
    assert _programs(["kserve"], {"tracking"}) == []
    assert _programs(["katib"], ALL) == ["katib_tune"]


def test_every_program_is_one_of_them() -> None:
    assert {path.stem for path in EXAMPLES_FOLDER.glob("*.py")} == {example.program for example in EXAMPLES}


@pytest.mark.parametrize("sdk", sorted({example.sdk for example in EXAMPLES}))
def test_packages_are_locked_with_hashes_and_without_addresses(sdk: str) -> None:
    folder = PACKAGES_FOLDER / sdk
    lock = (folder / "requirements.lock").read_text("utf-8")
    wanted = _TOP.findall((folder / "requirements.in").read_text("utf-8"))
    assert set(wanted) <= set(_TOP.findall(lock))
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    assert f"tests/e2e/sdks/packages/{sdk}" in {name for name, _ in LOCKS}
