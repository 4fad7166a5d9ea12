"""Builds of Go tools: files of our own over a module that lacks them, and binaries that can't say their version."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from infra.toolchain import golang
from infra.toolchain.errors import WrongVersion
from infra.toolchain.golang import Builder, Go
from infra.toolchain.processes import Children
from infra.toolchain.versions import TOOLS, GoTool
from tests.unit.toolchain import fakes

UPSTREAM = "example.org/served"
OVERLAID = replace(fakes.demo(), overlay=UPSTREAM)


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = fakes.modules(tmp_path / "modules")
    ours = folder / fakes.MODULE / golang.OVERLAY / "deep" / "signal_linux.go"
    ours.parent.mkdir(parents=True)
    ours.write_text("package deep\n")
    (folder / fakes.MODULE / "go.mod").write_text(f"module demo\n\nrequire {UPSTREAM} v1.0.0\n")
    (folder / fakes.MODULE / "go.sum").write_text(f"{UPSTREAM} v1.0.0 h1:abc=\n")
    return folder


@pytest.fixture
def compiler(tmp_path: Path) -> Path:
    """Keeps the overlay and the variables of its build, and knows the folder of one fetched module."""
    return fakes.program(
        tmp_path / "bin",
        "go",
        f"""
case "$1" in
version)
  printf '%s: go1.26.8\\n\\tpath\\texample.org/demo/cmd/demo\\n\\tmod\\tmlp.io/demo\\t(devel)\\t\\n' "$3"
  printf '\\tdep\\texample.org/demo\\tv1.2.3\\th1:abc=\\n\\tdep\\texample.org/demo/v2\\tv2.0.0\\th1:abc=\\n';;
mod) printf '{{"Path": "%s", "Dir": "{tmp_path}/fetched"}}' "$4";;
build)
  env > "{tmp_path}/variables"
  while [ $# -gt 1 ]; do
    case "$1" in
      -o) out=$2;;
      -overlay) cp "$2" "{tmp_path}/overlay.json"; echo "$2" > "{tmp_path}/place";;
    esac
    shift
  done
  printf '#!/bin/sh\\necho started >> "{tmp_path}/started"; echo v1.2.3\\n' > "$out"; chmod 755 "$out";;
esac""",
    )


def build(tmp_path: Path, compiler: Path, modules: Path, spec: GoTool) -> None:
    made = tmp_path / "made"
    made.mkdir()
    Builder(Go(compiler, "1.26.8", "local"), Children(), tmp_path / "go-build", modules).build(spec, made)
    assert [path.name for path in made.iterdir()] == [spec.name]


def test_our_files_are_laid_over_the_fetched_module(
    tmp_path: Path, compiler: Path, modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GODEBUG", "netdns=go")

    build(tmp_path, compiler, modules, OVERLAID)

    assert fakes.calls(compiler.parent, "go")[0] == f"mod download -json {UPSTREAM}"
    ours = modules / fakes.MODULE / golang.OVERLAY / "deep" / "signal_linux.go"
    assert json.loads((tmp_path / "overlay.json").read_text()) == {
        "Replace": {f"{tmp_path}/fetched/deep/signal_linux.go": str(ours)}
    }
    assert not Path((tmp_path / "place").read_text().strip()).exists()
    assert "GODEBUG=netdns=go,goindex=0" in (tmp_path / "variables").read_text().splitlines()


def test_a_tool_without_overlay_is_built_from_the_module_alone(tmp_path: Path, compiler: Path, modules: Path) -> None:
    build(tmp_path, compiler, modules, fakes.demo())

    assert [call.split()[0] for call in fakes.calls(compiler.parent, "go")] == ["build"]
    assert not (tmp_path / "overlay.json").exists()
    variables = dict(line.split("=", 1) for line in (tmp_path / "variables").read_text().splitlines() if "=" in line)
    assert variables.get("GODEBUG") == os.environ.get("GODEBUG")


def test_the_overlay_is_part_of_the_key_of_tools_that_name_it(modules: Path) -> None:
    plain, overlaid = fakes.demo(), OVERLAID
    before = golang.key(plain, modules), golang.key(overlaid, modules)
    assert before[0] != before[1]

    folder = modules / fakes.MODULE / golang.OVERLAY
    (folder / "deep" / "signal_linux.go").write_text("package deep // changed\n")
    changed = golang.key(overlaid, modules)
    assert changed != before[1]

    (folder / "deep" / "signal_linux.go").rename(folder / "signal_linux.go")
    assert golang.key(overlaid, modules) not in (before[1], changed)
    assert golang.key(plain, modules) == before[0]


def test_a_binary_that_cannot_say_its_version_is_read_and_not_run(
    tmp_path: Path, compiler: Path, modules: Path
) -> None:
    build(tmp_path, compiler, modules, replace(fakes.demo(), ask=(), package="example.org/demo/cmd/demo"))

    assert fakes.calls(compiler.parent, "go")[-1] == f"version -m {tmp_path}/made/demo"
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("package", ["example.org/dem", "example.org/demo/v2"])
def test_a_binary_of_another_version_or_module_is_refused(
    tmp_path: Path, compiler: Path, modules: Path, package: str
) -> None:
    with pytest.raises(WrongVersion, match=r"demo: made at version 1\.2\.3, but it says"):
        build(tmp_path, compiler, modules, replace(fakes.demo(), ask=(), package=package))


def test_a_binary_that_can_is_run(tmp_path: Path, compiler: Path, modules: Path) -> None:
    with pytest.raises(WrongVersion):
        build(tmp_path, compiler, modules, fakes.demo(version="1.2.4"))

    assert (tmp_path / "started").exists()


@pytest.mark.parametrize(
    "spec", [spec for spec in TOOLS if isinstance(spec, GoTool) and spec.overlay], ids=lambda spec: spec.name
)
def test_overlays_of_the_list_add_go_files_to_a_pinned_module(spec: GoTool) -> None:
    files = golang.overlay_files(spec)

    assert files
    assert all(place.endswith(".go") for place in files)
    pinned = (golang.MODULES / spec.module / "go.mod").read_text().split()
    assert spec.overlay in pinned
