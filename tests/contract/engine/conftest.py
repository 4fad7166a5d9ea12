"""A state in a bucket of a real S3 server, and a run in another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.storage.objects import ROOT_USER
from tests.servers.storage import REGION, StorageServer

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a bucket that is not there yet, with credentials in the environment."""
    server = StorageServer(tmp_path / "s3").start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ROOT_USER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.root_secret)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    try:
        yield f"s3://mlp-state?endpoint={server.url}&s3ForcePathStyle=true&region={REGION}"
    finally:
        server.stop()


@pytest.fixture(params=["file", "s3"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a shared place for state."""
    if request.param == "file":
        return f"file://{tmp_path / 'shared'}"
    return str(request.getfixturevalue("bucket"))


@dataclass
class Run:
    """`tests.clouds_support.driver` at work."""

    process: subprocess.Popen[str]

    def wait_for(self, name: str) -> None:
        """Returns once the operation on this resource began."""
        assert self.process.stdout
        for line in self.process.stdout:
            event = json.loads(line)
            if event.get("kind") == "started" and event["name"] == name:
                return
        raise AssertionError("the run ended early")

    def ended(self) -> tuple[str, str]:
        """How it ended, and what it said."""
        assert self.process.stdout
        last = [json.loads(line) for line in self.process.stdout][-1]
        return last["ended"], last["text"]

    def pulumi(self) -> int:
        """The CLI's process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (found,) = [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text().startswith("pulumi")]
        return found

    def kill(self) -> None:
        """As kill -9 of the machine would: the command, the CLI, and with them the plugins."""
        for pid in (self.pulumi(), self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def start() -> Iterator[Callable[[Path, str], Run]]:
    """Starts a driver in a folder with a state."""
    runs: list[Run] = []

    def begin(folder: Path, state: str) -> Run:
        command = [sys.executable, "-m", "tests.clouds_support.driver", str(folder), state]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        runs.append(Run(process))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.communicate()
