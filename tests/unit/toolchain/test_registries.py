"""Probing registries through fake clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.toolchain import registries as probes
from infra.toolchain.registries import registries
from tests.unit.toolchain import fakes


def test_all_answer(tmp_path: Path) -> None:
    fakes.program(tmp_path, "go", 'echo "$GOMODCACHE" > "${0%/*}/modcache"')
    fakes.program(tmp_path, "apt-get", "exit 0")
    python = fakes.program(tmp_path, "python", "exit 0")

    found = registries(search=str(tmp_path), python=str(python))

    assert [(reach.registry, reach.ok, reach.message, reach.remedy) for reach in found] == [
        ("Go modules", True, "reached", ""),
        ("Python packages", True, "reached", ""),
        ("Debian packages", True, "reached", ""),
    ]
    scratch = (tmp_path / "modcache").read_text().strip()
    assert "mlp-probe-" in scratch
    assert not Path(scratch).exists()


def test_each_failure_repeats_its_client(tmp_path: Path) -> None:
    fakes.program(tmp_path, "go", "echo 'go: Get \"http://me:pw@mirror.example/x\": dial tcp: refused' >&2; exit 1")
    python = fakes.program(tmp_path, "python", "exit 7")

    go, pip, apt = registries(search=str(tmp_path), python=str(python))

    assert (go.ok, go.message) == (False, 'go: Get "http://mirror.example/x": dial tcp: refused')
    assert "GOPROXY" in go.remedy
    assert (pip.ok, pip.message) == (False, "it failed with code 7")
    assert (apt.ok, apt.message) == (False, "there is no apt-get on PATH")


def test_a_client_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "SECONDS", 0.2)
    fakes.program(tmp_path, "go", "sleep 60")
    fakes.program(tmp_path, "apt-get", "exit 0")
    python = fakes.program(tmp_path, "python", "exit 0")

    go, *_ = registries(search=str(tmp_path), python=str(python))

    assert (go.ok, go.message) == (False, "no answer within 0.2 s")
