"""Builds of Go tools: files of our own over a module that lacks them, and binaries that can't say their version."""

from __future__ import annotations

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


SIGNALS = "deep/signal_linux.go"


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = fakes.modules(tmp_path / "modules")
    ours = folder / fakes.MODULE / golang.OVERLAY / SIGNALS
    ours.parent.mkdir(parents=True)
    ours.write_text("package deep\n")
    (folder / fakes.MODULE / "go.mod").write_text(f"module demo\n\nrequire {UPSTREAM} v1.0.0\n")
    (folder / fakes.MODULE / "go.sum").write_text(f"{UPSTREAM} v1.0.0 h1:abc=\n")
    return folder


@pytest.fixture
def fetched(tmp_path: Path) -> Path:
    """A module as Go's cache keeps it: nothing of it may be written."""
    folder = tmp_path / "fetched"
    (folder / "deep").mkdir(parents=True)
    for name in ("go.mod", "deep/command.go"):
        (folder / name).write_text(f"served {name}\n")
        (folder / name).chmod(0o444)
    (folder / "deep").chmod(0o555)
    return folder


@pytest.fixture
def compiler(tmp_path: Path, fetched: Path) -> Path:
    """Keeps what it was given to build, and knows the folder of one fetched module."""
    return fakes.program(
        tmp_path / "bin",
        "go",
        f"""
case "$1" in
version)
  printf '%s: go1.26.8\\n\\tpath\\texample.org/demo/cmd/demo\\n\\tmod\\tmlp.io/demo\\t(devel)\\t\\n' "$3"
  printf '\\tdep\\texample.org/demo\\tv1.2.3\\th1:abc=\\n\\tdep\\texample.org/demo/v2\\tv2.0.0\\th1:abc=\\n';;
mod) printf '{{"Path": "%s", "Dir": "{fetched}"}}' "$4";;
build)
  pwd > "{tmp_path}/place"; cp -r . "{tmp_path}/given"
  while [ $# -gt 1 ]; do
    case "$1" in -o) out=$2;; esac
    shift
  done
  printf '#!/bin/sh\\necho started >> "{tmp_path}/started"; echo v1.2.3\\n' > "$out"; chmod 755 "$out";;
esac""",
    )


def build(tmp_path: Path, compiler: Path, modules: Path, spec: GoTool) -> None:
    made = tmp_path / "staging" / "made"
    made.mkdir(parents=True)
    Builder(Go(compiler, "1.26.8", "local"), Children(), tmp_path / "go-build", modules).build(spec, made)
    assert [path.name for path in made.iterdir()] == [spec.name]
    assert list(made.parent.iterdir()) == [made]


def test_our_files_complete_a_copy_of_the_fetched_module(
    tmp_path: Path, compiler: Path, fetched: Path, modules: Path
) -> None:
    required = f"module demo\n\nrequire {UPSTREAM} v1.0.0\n"
    (modules / fakes.MODULE / "go.mod").write_text(required)
    (modules / fakes.MODULE / "go.sum").write_text(f"{UPSTREAM} v1.0.0 h1:abc=\n")

    build(tmp_path, compiler, modules, OVERLAID)

    assert fakes.calls(compiler.parent, "go")[0] == f"mod download -json {UPSTREAM}"
    given = tmp_path / "given"
    assert {str(file.relative_to(given)): file.read_text() for file in given.rglob("*") if file.is_file()} == {
        "go.mod": f"{required}\nreplace {UPSTREAM} => ./completed\n",
        "go.sum": f"{UPSTREAM} v1.0.0 h1:abc=\n",
        "completed/go.mod": "served go.mod\n",
        "completed/deep/command.go": "served deep/command.go\n",
        f"completed/{SIGNALS}": "package deep\n",
    }
    assert not (fetched / SIGNALS).exists()
    assert (modules / fakes.MODULE / "go.mod").read_text() == required


def test_a_tool_without_overlay_is_built_where_it_is_pinned(tmp_path: Path, compiler: Path, modules: Path) -> None:
    build(tmp_path, compiler, modules, fakes.demo())

    assert [call.split()[0] for call in fakes.calls(compiler.parent, "go")] == ["build"]
    assert (tmp_path / "place").read_text() == f"{modules / fakes.MODULE}\n"


def test_the_overlay_is_part_of_the_key_of_tools_that_name_it(modules: Path) -> None:
    plain, overlaid = fakes.demo(), OVERLAID
    before = golang.key(plain, modules), golang.key(overlaid, modules)
    assert before[0] != before[1]

    folder = modules / fakes.MODULE / golang.OVERLAY
    (folder / SIGNALS).write_text("package deep // changed\n")
    changed = golang.key(overlaid, modules)
    assert changed != before[1]

    (folder / SIGNALS).rename(folder / "signal_linux.go")
    assert golang.key(overlaid, modules) not in (before[1], changed)
    assert golang.key(plain, modules) == before[0]


def test_a_binary_that_cannot_say_its_version_is_read_and_not_run(
    tmp_path: Path, compiler: Path, modules: Path
) -> None:
    build(tmp_path, compiler, modules, replace(fakes.demo(), ask=(), package="example.org/demo/cmd/demo"))

    assert fakes.calls(compiler.parent, "go")[-1] == f"version -m {tmp_path}/staging/made/demo"
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
