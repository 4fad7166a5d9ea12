"""A real nginx with the gateway's configuration, between a client and two servers that say what reached them."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.gateway.config import configuration
from components.gateway.plan import GatewayPlan
from tests.servers.binaries import BinaryMissing, find
from tests.servers.kubernetes import Authority
from tests.servers.ports import free_port, wait_for_port

CALLERS = {
    "good": (200, "user:alice", "tenant:acme:member|tenant:acme:viewer"),
    "nobody": (403, "", ""),
    "broken": (500, "", ""),
}
"""What the control plane of these tests answers for a bearer token; anything else is 401."""


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, as JSON."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, user, groups = (
            CALLERS.get(token, (401, "", "")) if self.path == "/internal/authorize" else (200, "", "")
        )
        seen = {
            "server": self.server.server_name_for_tests,  # type: ignore[attr-defined]
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "length": len(body),
        }
        self.server.seen.append(seen)  # type: ignore[attr-defined]
        text = json.dumps(seen).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if user:
            self.send_header("X-Remote-User", user)
            self.send_header("X-Remote-Groups", groups)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """nginx resets connections that it has no more use for."""


@dataclass(frozen=True)
class Gateway:
    """The running gateway."""

    port: int
    health_port: int
    folder: Path
    seen: list[dict[str, Any]]
    """Every request that reached a server behind it, oldest first."""
    context: ssl.SSLContext

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        body: bytes | None = None,
    ) -> tuple[HTTPResponse, bytes]:
        """One request, its path sent as written; headers may repeat."""
        connection = HTTPSConnection("localhost", self.port, context=self.context, timeout=10)
        pairs = list(headers.items()) if isinstance(headers, dict) else headers or []
        try:
            connection.putrequest(method, path, skip_host=any(name.lower() == "host" for name, _ in pairs))
            for name, value in pairs:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


def program() -> str | None:
    """nginx's path: the toolchain's own where it was unpacked, else the machine's; None where there is none."""
    try:
        return str(find("nginx"))
    except BinaryMissing:
        return None


def plan(folder: Path, port: int, health_port: int, upstreams: tuple[int, int]) -> GatewayPlan:
    """The gateway's plan on loopback, for the nginx that is here."""
    found = program()
    assert found
    said = subprocess.run([found, "-v"], capture_output=True, text=True, check=True).stderr
    version = tuple(int(number) for number in re.findall(r"\d+", said)[:3])
    return GatewayPlan(
        public_url=f"https://localhost:{port}",
        names=("localhost", "127.0.0.1"),
        control_plane=f"http://127.0.0.1:{upstreams[0]}",
        tracking=f"http://127.0.0.1:{upstreams[1]}",
        tracking_host="tracking.mlp-tracking.svc",
        resolver="127.0.0.1",
        requests_per_second=500,
        max_body_mb=1,
        max_artifact_mb=4,
        folder=str(folder),
        scratch=str(folder),
        listen=f"127.0.0.1:{port}",
        health_listen=f"127.0.0.1:{health_port}",
        http2=version >= (1, 25, 1),
        access_log=str(folder / "access.log"),
    )


@contextmanager
def gateway(folder: Path, tracking_port: int | None = None, control_plane_port: int | None = None) -> Iterator[Gateway]:
    """nginx with servers behind it; real ones where ports are given."""
    found = program()
    assert found
    seen: list[dict[str, Any]] = []
    echoes = []
    ports = []
    for name, given in (("control-plane", control_plane_port), ("tracking", tracking_port)):
        if given is not None:
            ports.append(given)
            continue
        echo = _Server(("127.0.0.1", 0), _Echo)
        echo.server_name_for_tests, echo.seen = name, seen  # type: ignore[attr-defined]
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        echoes.append(echo)
        ports.append(echo.server_address[1])
    port, health_port = free_port(), free_port()
    authority = Authority.create(folder / "pki")
    certificate, key = authority.issue("gateway", "localhost", hosts=["localhost", "127.0.0.1"])
    (folder / "tls").mkdir()
    shutil.copy(certificate, folder / "tls" / "tls.crt")
    shutil.copy(key, folder / "tls" / "tls.key")
    (folder / "hops").mkdir()
    for name in ("control-plane", "tracking"):
        text = f'proxy_set_header X-Mlp-Gateway-Secret "{hop_secret(name)}";\n'
        (folder / "hops" / f"{name}.conf").write_text(text)
    config = folder / "nginx.conf"
    config.write_text(configuration(plan(folder, port, health_port, (ports[0], ports[1]))))
    with (folder / "stderr.log").open("wb") as log:
        process = subprocess.Popen(
            [found, "-e", "stderr", "-c", str(config), "-g", "daemon off;"], stdout=log, stderr=log
        )
    try:
        wait_for_port(port)
        context = ssl.create_default_context(cafile=str(authority.certificate_file))
        yield Gateway(port, health_port, folder, seen, context)
    finally:
        process.terminate()
        process.wait(30)
        for echo in echoes:
            echo.shutdown()
            echo.server_close()


def hop_secret(name: str) -> str:
    """What the gateway of these tests sends to each server."""
    return f"hop-secret-for-{name}-0123456789abcdef"
