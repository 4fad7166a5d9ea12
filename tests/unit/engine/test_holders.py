"""Who holds a stack, and for which command."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from infra.engine.folder import FileFolder
from infra.engine.holders import forget_dead_notes, locks, noted

DEAD = 2**22 + 1


def put_lock(folder: FileFolder, name: str, user: str, host: str, at: str) -> None:
    held = {"pid": DEAD, "username": user, "hostname": host, "timestamp": at}
    folder.write(f".pulumi/locks/organization/mlp/cluster/{name}.json", json.dumps(held))


def put_note(folder: FileFolder, host: str, pid: int, command: str, since: str) -> None:
    note = {"user": "ada", "host": host, "pid": pid, "command": command, "since": since}
    folder.write(f".mlp/commands/cluster/{host}-{pid}.json", json.dumps(note))


def test_a_lock_is_told_with_the_command_that_took_it(tmp_path: Path) -> None:
    folder = FileFolder(tmp_path)
    put_lock(folder, "a", "ada", "laptop-7", "2026-11-23T20:00:05.123456789+01:00")
    put_note(folder, "laptop-7", 10, "platform down", "2026-11-23T18:00:00Z")
    put_note(folder, "laptop-7", 11, "platform up --profile aws", "2026-11-23T19:00:00Z")
    put_note(folder, "laptop-7", 12, "platform plan", "2026-11-23T19:30:00Z")
    put_note(folder, "other", 13, "platform repair", "2026-11-23T19:00:04Z")
    (found,) = locks(folder, "cluster")
    assert str(found) == f"ada@laptop-7: `platform up --profile aws` (process {DEAD}, since 2026-11-23T19:00:05Z)"
    assert found.dead is None
    assert locks(folder, "components") == ()


def test_a_lock_without_a_note_and_a_file_that_is_none(tmp_path: Path) -> None:
    folder = FileFolder(tmp_path)
    put_lock(folder, "a", "ada", socket.gethostname(), "2026-11-23T19:00:05Z")
    folder.write(".pulumi/locks/organization/mlp/cluster/b.json", "half a fi")
    (found,) = locks(folder, "cluster")
    assert found.command == ""
    assert found.dead


def test_a_note_lasts_as_long_as_its_work(tmp_path: Path) -> None:
    folder = FileFolder(tmp_path)
    with noted(folder, "cluster", "platform up"):
        (name,) = folder.names(".mlp/")
        assert json.loads(folder.read(name) or "")["pid"] == os.getpid()
    assert folder.names(".mlp/") == ()
    with noted(folder, "cluster", ""):
        assert folder.names(".mlp/") == ()


def test_notes_of_the_dead_are_forgotten_and_others_kept(tmp_path: Path) -> None:
    folder = FileFolder(tmp_path)
    put_note(folder, socket.gethostname(), DEAD, "platform up", "2026-11-23T19:00:00Z")
    put_note(folder, socket.gethostname(), os.getpid(), "platform up", "2026-11-23T19:00:00Z")
    put_note(folder, "elsewhere", DEAD, "platform up", "2026-11-23T19:00:00Z")
    forget_dead_notes(folder, "cluster")
    kept = [name.rpartition("/")[2] for name in folder.names(".mlp/")]
    assert kept == sorted([f"elsewhere-{DEAD}.json", f"{socket.gethostname()}-{os.getpid()}.json"])
