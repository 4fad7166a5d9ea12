"""Children end with the run, and so do theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from infra.toolchain.processes import Cancelled, Children


def test_outputs_and_code() -> None:
    result = Children().run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"])

    assert (result.code, result.out, result.err) == (3, "out\n", "err\n")
    assert result.said == "out\n\nerr"


def test_late_ones_are_ended() -> None:
    began = time.monotonic()

    with pytest.raises(TimeoutError, match="did not end within"):
        Children().run(["/bin/sh", "-c", "sleep 60 & wait"], timeout=0.2)

    assert time.monotonic() - began < 10


def test_close_ends_grandchildren_and_refuses_new_ones(tmp_path: Path) -> None:
    children = Children()
    note = tmp_path / "pid"
    raised: list[BaseException] = []

    def work() -> None:
        try:
            children.run(["/bin/sh", "-c", f"sleep 60 & echo $! > {note}.new; mv {note}.new {note}; wait"])
        except Cancelled as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 10
    while not note.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    children.close()
    thread.join(10)

    assert len(raised) == 1
    assert _gone(int(note.read_text()))
    with pytest.raises(Cancelled):
        children.run(["/bin/true"])


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_a_tied_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = (
        "from infra.toolchain.processes import Children\n"
        f"Children().run(['/bin/sh', '-c', 'echo $$ > {note}.new; mv {note}.new {note}; exec sleep 60'], tied=True)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    try:
        deadline = time.monotonic() + 10
        while not note.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        parent.kill()
        parent.wait()

    assert _gone(int(note.read_text()))


def _gone(pid: int) -> bool:
    """Ended, or ended and waiting for its new parent to notice."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False
