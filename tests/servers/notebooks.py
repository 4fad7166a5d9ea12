"""The real hub of notebooks: JupyterHub from the component's lock, on a real API server and PostgreSQL."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.notebooks.hub.settings import HubSettings
from controlplane.gate.notebooks import HEADER
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.tracking import ROOT, interpreter

GATEWAY_SECRET = "hop-secret-of-these-tests"
_PEOPLE_SECRET = "people-secret-of-these-tests"
_START_SECONDS = 90


class People:
    """Answers the hub as the control plane does: account → groups, or None for nobody."""

    def __init__(self) -> None:
        self.groups: dict[str, tuple[str, ...] | None] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                account = self.path.removeprefix("/internal/people/")
                groups = outer.groups.get(account)
                known = groups is not None and self.headers.get(HEADER) == _PEOPLE_SECRET
                self.send_response(200 if known else 404)
                if groups is not None and known:
                    self.send_header("X-Remote-User", f"user:{account}")
                    self.send_header("X-Remote-Groups", "|".join(groups))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class HubServer:
    """`start` and `stop`. `kubeconfig` is that of the hub's own service account."""

    def __init__(self, folder: Path, settings: HubSettings, kubeconfig: Path, postgres: Postgres) -> None:
        self.people = People()
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        postgres.sql("CREATE ROLE notebooks LOGIN")
        postgres.sql("CREATE DATABASE notebooks OWNER notebooks")
        made = settings.model_copy(
            update={
                "port": self.port,
                "hub_url": f"http://127.0.0.1:{self.port}",
                "control_plane_url": self.people.url,
                "database_url": f"postgresql+psycopg2://notebooks@127.0.0.1:{postgres.port}/notebooks",
            }
        )
        (folder / "hub.json").write_text(made.model_dump_json())
        self._env = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}},
            "MLP_HUB_FILE": str(folder / "hub.json"),
            "MLP_GATEWAY_SECRET": GATEWAY_SECRET,
            "MLP_PEOPLE_SECRET": _PEOPLE_SECRET,
            "MLP_COOKIE_SECRET": "cookie-secret-of-these-tests",
            "KUBECONFIG": str(kubeconfig),
            "HOME": str(folder),
            "PYTHONPATH": str(self._sources()),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _sources(self) -> Path:
        """Only what the image has of this project."""
        tree = self._folder / "sources"
        (tree / "components" / "notebooks").mkdir(parents=True)
        for name in ("names.py", "notebooks/naming.py", "notebooks/hub"):
            (tree / "components" / name).symlink_to(ROOT / "components" / name)
        return tree

    def start(self) -> HubServer:
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(interpreter("notebooks")), "-m", "components.notebooks.hub.app"],
                env=self._env, cwd=self._folder, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                if self.ask("GET", "/notebooks/hub/health")[0] == 200:
                    return self
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the hub did not start:\n{self.log()}")
            time.sleep(0.2)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def close(self) -> None:
        self.stop()
        self.people.close()

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-6000:]

    def ask(
        self, method: str, path: str, account: str | None = None, groups: tuple[str, ...] = (),
        body: Any = None, **headers: str,
    ) -> tuple[int, Any]:  # fmt: skip
        """One request; with an account, as the gateway passes that person's on. Answers in JSON are read."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if account is not None:
            sent |= {"X-Mlp-Gateway-Secret": GATEWAY_SECRET, "X-Remote-User": f"user:{account}"}
            sent["X-Remote-Groups"] = "|".join(groups)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, sent)
            answer = connection.getresponse()
            content = answer.read()
            is_json = (answer.headers.get("Content-Type") or "").startswith("application/json") and content
            return answer.status, json.loads(content) if is_json else content
        finally:
            connection.close()
