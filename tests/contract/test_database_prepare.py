"""The database's init container with real PostgreSQL programs: it ends, and does its work again without harm."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.database import prepare
from tests.servers.postgres import programs_for_nobody

pytestmark = pytest.mark.contract

NOBODY = 65534 if os.geteuid() == 0 else None


@pytest.fixture
def folder() -> Iterator[Path]:
    """Reachable by the user nobody, which pytest's own temporary folders are not. Short, for the socket's path."""
    made = Path(tempfile.mkdtemp(prefix="mlp-prepare-"))
    made.chmod(0o755)
    for name in ("data", "socket", "passwords"):
        (made / name).mkdir()
    (made / "pg_hba.conf").write_text("local all all trust\n", "utf-8")
    for role in ("tracking", "controlplane"):
        (made / "passwords" / role).write_text(f"secret of {role}", "ascii")
    if NOBODY:
        for path in made.rglob("*"):
            os.chown(path, NOBODY, NOBODY)
    yield made
    shutil.rmtree(made)


def run_prepare(folder: Path, programs: Path) -> str:
    """What it printed. Runs in a child that gave up its rights: PostgreSQL refuses root, and `nobody` may not be able
    to start this interpreter anew."""
    arguments = [
        f"--programs={programs}",
        f"--data={folder}/data/17",
        f"--socket={folder}/socket",
        f"--hba={folder}/pg_hba.conf",
        f"--passwords={folder}/passwords",
        *("--role=tracking=tracking", "--role=controlplane=controlplane"),
    ]
    printed = folder / "printed"
    child = multiprocessing.get_context("fork").Process(target=_as_nobody, args=(folder, printed, arguments))
    child.start()
    child.join(60)
    if child.exitcode is None:
        child.kill()
        pytest.fail("preparing does not end")
    text = printed.read_text("utf-8")
    assert child.exitcode == 0, text
    return text


def _as_nobody(folder: Path, printed: Path, arguments: list[str]) -> None:
    descriptor = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    if NOBODY:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    os.chdir(folder)
    sys.argv = ["prepare", *arguments]
    code = prepare.main()
    sys.stdout.flush()
    os._exit(code)


def test_it_ends_and_can_be_repeated(folder: Path) -> None:
    with programs_for_nobody() as programs:
        first = run_prepare(folder, programs)
        again = run_prepare(folder, programs)
    assert "made" in first
    assert "found" in again
    assert "secret of" not in first + again
    assert not (folder / "data" / "17" / "postmaster.pid").exists()
