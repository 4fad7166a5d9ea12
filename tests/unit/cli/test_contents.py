"""`platform workspace start`: what is sent, and what is wrong with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from infra.cli.contents import kind_path, parameters
from infra.cli.main import app, register


class _Api(BaseHTTPRequestHandler):
    seen: list[tuple[str, Any, bool]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, body, bool(self.headers["Idempotency-Key"])))
        answer = json.dumps({"content": {"kind": "workflow", "name": "train-x7k2p"}}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any, bool]]]:
    """What an API at a loopback port was sent."""
    _Api.seen = []
    server = HTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLP_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("MLP_TOKEN", "mlp_" + "x" * 43)
    yield _Api.seen
    server.shutdown()
    server.server_close()


def test_a_template_is_started_with_its_parameters(api: list[tuple[str, Any, bool]]) -> None:
    register()
    done = CliRunner().invoke(
        app, ["workspace", "start", "acme/vision", "workflowtemplate/train", "-p", "rate=0.1", "-p", "where=a=b"]
    )
    assert done.exit_code == 0, done.output
    assert "workflow/train-x7k2p is started." in done.output
    assert api == [
        (
            "/api/v1/tenants/acme/workspaces/vision/contents/workflowtemplate/train/start",
            {"parameters": {"rate": "0.1", "where": "a=b"}}, True,
        )
    ]  # fmt: skip


def test_everything_wrong_with_the_pairs_is_said() -> None:
    with pytest.raises(typer.BadParameter, match="x is not KEY=VALUE; =y is not KEY=VALUE; a is given twice"):
        parameters(["x", "=y", "a=1", "a=2"])
    assert parameters(["a="]) == {"a": ""}


@pytest.mark.parametrize("thing", ["train", "workflowtemplate/", "/train", "a/b/c"])
def test_a_thing_has_a_kind_and_a_name(thing: str) -> None:
    with pytest.raises(typer.BadParameter):
        kind_path(thing)
