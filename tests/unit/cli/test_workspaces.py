"""`platform workspace create`, `change` and `get`: features, as they are sent and shown."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from infra.cli import workspaces
from infra.cli.main import app, register

QUOTA = {"cpu": "2", "memory": "4Gi", "storage": "10Gi", "pods": 20, "gpus": {}}
WORKSPACE = {
    "tenant": "acme", "name": "lab", "state": "ready", "quota": QUOTA, "expires_at": None, "namespace": "ws-acme--lab",
    "created_at": "2026-01-01T00:00:00Z", "image": "registry.test/workspace:1", "conditions": [], "version": 7,
}  # fmt: skip


@dataclass
class Sent:
    """What an API was sent, and the features that its workspace has."""

    features: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    etag: str | None = None


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """At a loopback port, with the workspace acme/lab and the features draw and notes."""
    sent = Sent()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, answer: Any, status: int = 200) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _change(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sent.calls.append((self.command, self.path, body))
            sent.etag = self.headers["If-Match"]
            changes = sorted(body.get("features", [])) != sorted(sent.features)
            sent.features = body.get("features", [])
            self._answer({"workspace": self._workspace(), "operation": "o-1" if changes else None}, 202)

        def _workspace(self) -> dict[str, Any]:
            return {**WORKSPACE, "features": sent.features}

        def do_GET(self) -> None:
            if self.path == "/api/v1/features":
                self._answer({"items": [{"name": n, "summary": ""} for n in ("draw", "notes")], "next": None})
            elif "/operations/" in self.path:
                self._answer({"id": "o-1", "state": "succeeded", "steps": [], "message": ""})
            else:
                self._answer(self._workspace())

        def do_POST(self) -> None:
            self._change()

        def do_PATCH(self) -> None:
            self._change()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLP_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("MLP_TOKEN", "mlp_" + "x" * 43)
    register()
    yield sent
    server.shutdown()
    server.server_close()


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, ["workspace", *words])


def test_a_workspace_is_made_with_features(api: Sent) -> None:
    done = _run("create", "acme/lab", "--feature", "notes", "--feature", "draw")
    assert done.exit_code == 0, done.output
    (method, path, body) = api.calls[0]
    assert (method, path, body["features"]) == ("POST", "/api/v1/tenants/acme/workspaces", ["notes", "draw"])
    assert _run("create", "acme/lab").exit_code == 0
    assert "features" not in api.calls[1][2]


def test_features_are_shown(api: Sent) -> None:
    assert "features" not in _run("get", "acme/lab").output
    api.features = ["draw", "notes"]
    assert "features: draw, notes" in _run("get", "acme/lab").output
    assert json.loads(_run("get", "acme/lab", "--json").stdout)["features"] == ["draw", "notes"]


def test_a_change_keeps_what_is_not_named(api: Sent) -> None:
    api.features = ["draw", "mail"]
    done = _run("change", "acme/lab", "--feature", "notes", "--no-feature", "draw")
    assert done.exit_code == 0, done.output
    assert api.calls == [("PATCH", "/api/v1/tenants/acme/workspaces/lab", {"features": ["mail", "notes"]})]
    assert api.etag == '"7"', "a change that somebody else made meanwhile is not undone"
    assert "Workspace acme/lab has mail, notes." in done.output
    assert "Undo: platform workspace change acme/lab --no-feature notes --feature draw" in " ".join(done.output.split())


def test_what_is_so_already_changes_nothing(api: Sent) -> None:
    done = _run("change", "acme/lab", "--no-feature", "notes")
    assert done.exit_code == 0, done.output
    assert "Workspace acme/lab has no features. Nothing had to change." in done.output
    assert "Undo" not in done.output


def test_programs_get_the_workspace_after_the_change(api: Sent) -> None:
    done = _run("change", "acme/lab", "--feature", "notes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["features"] == ["notes"]


@pytest.mark.parametrize(
    "words", [["change", "acme/lab"], ["change", "acme/lab", "--feature", "notes", "--no-feature", "notes"]]
)
def test_wrong_use_is_2_and_asks_nobody(api: Sent, words: list[str]) -> None:
    assert _run(*words).exit_code == 2
    assert api.calls == []


def test_names_of_features_are_completed(api: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workspaces._features("n") == ["notes"]
    assert workspaces._features("") == ["draw", "notes"]
    monkeypatch.setenv("MLP_URL", "http://127.0.0.1:1")
    assert workspaces._features("") == []
