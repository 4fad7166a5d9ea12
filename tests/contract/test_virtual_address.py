"""The script that asks who has an address, in a real shell against real sockets."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence

import pytest

from infra.hosts import virtual_check
from infra.hosts.transport import Completed, Input

pytestmark = pytest.mark.contract


class Here:
    """This machine as a host."""

    host = "here"

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        del stdin
        done = subprocess.run(argv, capture_output=True, timeout=timeout, check=check)
        return Completed(done.returncode, done.stdout, done.stderr.decode())

    def put(self, path: str, content: bytes, mode: int = 0o600) -> None:
        raise NotImplementedError

    def get(self, path: str) -> bytes | None:
        raise NotImplementedError


def test_who_answers_is_told_by_how(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as api:
        api.bind(("127.0.0.1", 0))
        port = api.getsockname()[1]
        monkeypatch.setattr(virtual_check, "API_PORT", port)
        assert virtual_check.who_answers(Here(), "127.0.0.1") == "it refuses connections"
        api.listen()
        assert virtual_check.who_answers(Here(), "127.0.0.1") == f"its port {port} is open"
