"""The documents speak of things that exist: files, tests, commands, versions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from infra.lifecycle.facts import VERSION

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
_PATH = re.compile(r"(?<![\w/.-])((?:infra|controlplane|components|tests|profiles|docs)/[\w./-]*[\w/])")
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"`(?:\.venv/bin/)?platform ([a-z]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    broken = [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    broken += [path for path in _PATH.findall(text) if not (ROOT / path.rstrip("/.")).exists() and "*" not in path]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_programs_of_the_documents_can_be_read(page: Path) -> None:
    for program in _PYTHON.findall(page.read_text("utf-8")):
        compile(program, str(page), "exec")


def test_commands_of_the_documents_exist() -> None:
    import typer

    from infra.cli.main import app, register

    register()
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = {name for page in PAGES for name in _COMMAND.findall(page.read_text("utf-8"))}
    assert named - known == set()


def test_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z0-9]+)", page.read_text("utf-8"))}
    assert named - targets - {"e2e"} == set()
    assert "e2e" in makefile


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == VERSION
