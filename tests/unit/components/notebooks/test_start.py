"""What a server's entry point does to a home."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from components.notebooks.pod import start


def test_a_new_home_gets_the_welcome_notebook_once(tmp_path: Path) -> None:
    start.welcome(tmp_path)
    notebook = tmp_path / "welcome.ipynb"
    assert json.loads(notebook.read_text("utf-8"))["nbformat"] == 4
    notebook.write_text("mine")
    start.welcome(tmp_path)
    assert notebook.read_text() == "mine"
    notebook.unlink()
    start.welcome(tmp_path)
    assert not notebook.exists()


def test_the_welcome_notebook_holds_no_output_and_compiles() -> None:
    cells = json.loads(start.WELCOME.read_text("utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            compile("".join(cell["source"]), cell["id"], "exec")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "origin.git"
    work = tmp_path / "work"
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    (work / "a.txt").write_text("a")
    subprocess.run(["git", "-C", str(work), "add", "."], check=True)
    subprocess.run(["git", "-C", str(work), *identity, "commit", "-qm", "a"], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(made)], check=True)
    return made


def test_a_repository_is_cloned_beside_what_is_there_and_never_over_it(tmp_path: Path, repository: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    start.clone(home, f"file://{repository}")
    assert (home / "origin" / "a.txt").read_text() == "a"
    (home / "origin" / "a.txt").write_text("mine")
    start.clone(home, f"file://{repository}")
    assert (home / "origin" / "a.txt").read_text() == "mine"


def test_a_clone_that_fails_leaves_a_note(tmp_path: Path) -> None:
    start.clone(tmp_path, f"file://{tmp_path}/nothing/here.git")
    assert "was not cloned" in (tmp_path / "here.clone-failed.txt").read_text("utf-8")
    assert not (tmp_path / "here").exists()
