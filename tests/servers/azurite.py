"""Azurite, the storage account that Microsoft gives for tests, on loopback.

It keeps no versions of blobs. `versions=True` makes it name one for each upload, as an account does that keeps them: a
header is added on the way, and nothing else.
"""

from __future__ import annotations

import base64
import http.client
import os
import secrets
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.npm_packages import installed, node
from tests.servers.parent import die_with_parent
from tests.servers.ports import free_port, wait_for_port

ACCOUNT = "mlpstate"
START_SECONDS = 120.0
"""It reads some thousand files at its start."""
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Azurite:
    """`start` and `stop`; nothing is kept. Raises NpmMissing."""

    def __init__(self, *, versions: bool) -> None:
        self.key = base64.b64encode(secrets.token_bytes(64)).decode()
        self._port = free_port()
        self._versions = versions
        self._process: subprocess.Popen[bytes] | None = None
        self._server: ThreadingHTTPServer | None = None

    @property
    def domain(self) -> str:
        """Host and port; the account is in the path."""
        port = self._server.server_address[1] if self._server else self._port
        return f"127.0.0.1:{port}"

    def url(self, container: str) -> str:
        """A backend of state."""
        return f"azblob://{container}?storage_account={ACCOUNT}&domain={self.domain}&protocol=http"

    def start(self) -> Azurite:
        main: Path = installed() / "azurite" / "dist" / "src" / "blob" / "main.js"
        self._process = subprocess.Popen(
            [
                node(),
                str(main),
                "--blobHost=127.0.0.1",
                f"--blobPort={self._port}",
                "--inMemoryPersistence",
                "--skipApiVersionCheck",
                "--disableTelemetry",
                "--silent",
            ],
            env={"PATH": os.environ["PATH"], "AZURITE_ACCOUNTS": f"{ACCOUNT}:{self.key}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls what was loaded before
        )
        wait_for_port(self._port, START_SECONDS)
        if self._versions:
            self._server = _in_front(self._port)
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)


def _in_front(port: int) -> ThreadingHTTPServer:
    """Passes everything on to that port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request(self.command, self.path, body, dict(self.headers.items()))
                answer = connection.getresponse()
                said = answer.read()
            finally:
                connection.close()
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in _HOP:
                    self.send_header(key, value)
            if self.command == "PUT" and answer.status == 201:
                self.send_header("x-ms-version-id", answer.getheader("Last-Modified", ""))
            # An answer to HEAD says how long the blob is.
            length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(said))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(said)

        def do_DELETE(self) -> None:
            self._pass()

        def do_GET(self) -> None:
            self._pass()

        def do_HEAD(self) -> None:
            self._pass()

        def do_POST(self) -> None:
            self._pass()

        def do_PUT(self) -> None:
            self._pass()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A caller that was killed hears no answer."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
