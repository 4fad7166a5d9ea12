"""The whole check where no cluster is made here: it asks for the installer's needs only."""

from __future__ import annotations

from pathlib import Path

from infra.preflight.check import check
from infra.preflight.model import Inputs, blocking
from tests.unit.toolchain import fakes


def inputs(tmp_path: Path, building: bool) -> Inputs:
    return Inputs(
        installation="somewhere",
        local=False,
        ports={},
        cache_root=tmp_path / "cache",
        home_root=tmp_path / "home",
        building=building,
        installed=not building,
        search=str(tmp_path / "bin"),
    )


def test_an_existing_cluster_needs_no_namespaces(tmp_path: Path) -> None:
    fakes.program(tmp_path / "bin", "apt-get", "")
    fakes.program(tmp_path / "bin", "dpkg-deb", "")

    found = check(inputs(tmp_path, building=False))

    assert [finding.check.split()[0] for finding in found] == ["python", "debian", "disk"]
    assert blocking(found) == []


def test_what_building_needs(tmp_path: Path) -> None:
    python, debian, go, *_ = check(inputs(tmp_path, building=True))

    assert python.ok
    assert not debian.ok
    assert debian.message.startswith("There is no apt-get and no dpkg-deb on PATH")
    assert debian.remedy.startswith("Use a Debian or Ubuntu machine")
    assert (go.check, go.ok) == ("go", False)
    assert "Install Go" in go.remedy


def test_a_compiler_that_will_do(tmp_path: Path) -> None:
    fakes.go(tmp_path / "bin")

    _, _, go, *_ = check(inputs(tmp_path, building=True))

    assert (go.ok, go.message) == (True, f"Go 1.26.8 at {tmp_path}/bin/go")
