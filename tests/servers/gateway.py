"""A real nginx with the gateway's configuration, between a client and servers that say what reached them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.gateway.config import configuration
from components.gateway.plan import GatewayPlan
from components.kubeflow_pipelines.names import instance_of, service_of
from components.serving.names import WAKING, endpoint_of
from tests.servers.binaries import BinaryMissing, find
from tests.servers.kubernetes import Authority, KubernetesServer
from tests.servers.names import NameServer
from tests.servers.ports import free_port, wait_for_port

CALLERS = {
    "good": (200, "user:alice", "tenant:acme:member|tenant:acme:viewer"),
    "nobody": (403, "", ""),
    "broken": (500, "", ""),
    "early": (503, "", ""),
}
"""What the control plane of these tests answers for a bearer token; anything else is 401. `early` calls an
endpoint that is waking up."""

PLACES: dict[str, int | str] = {"nb-alice-1": "here", "nb-lost-1": 403, "nb-broken-1": 500}
"""What the hub of these tests answers about a notebook server; about any other, that none runs."""
AWAY = 0
"""Among PLACES: the connection ends without an answer."""
NOTED = {"Cache-Control": "max-age=1"}


ENDPOINT = "/serving/ws-acme--dev/iris/"
"""The one model endpoint that is there."""
PIPELINES = "/kfp/ws-acme--dev/apis/"
"""The one instance of Kubeflow Pipelines that is there."""


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, as JSON."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if self.path == "/stream":
            self._stream()
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, user, groups = 200, "", ""
        more = {"Set-Cookie": "seen=1"}
        if self.path == "/internal/authorize":
            status, user, groups = CALLERS.get(token, (401, "", ""))
        elif self.path == "/internal/place":
            place = PLACES.get(self.headers.get("X-Notebook") or "", 401)
            status = place if isinstance(place, int) else 204
            if status == AWAY:
                self.close_connection = True
                return
            if status == 204:
                more = {"X-Upstream": f"http://127.0.0.1:{self.server.server_port}", **NOTED}
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
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        if token == "early":
            self.send_header("X-Mlp-Reason", WAKING)
        if user:
            self.send_header("X-Remote-User", user)
            self.send_header("X-Remote-Groups", groups)
            uri = self.headers.get("X-Original-URI") or ""
            endpoint, instance = endpoint_of(uri), instance_of(uri)
            if instance is not None:
                self.send_header("X-Upstream", service_of(instance))
            if endpoint is not None:
                self.send_header("X-Upstream", endpoint.service)
                self.send_header("X-Served-By", endpoint.name)
        for name, value in (*self.server.more_headers, *more.items()):  # type: ignore[attr-defined]
            self.send_header(name, value)
        self.end_headers()
        if status != 204:
            self.wfile.write(text)

    def _stream(self) -> None:
        """Two events. The second one comes once the first has been seen."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for word in (b"first", b"second"):
            self.wfile.write(b"data: " + word + b"\n\n")
            self.wfile.flush()
            self.server.first_seen.wait(60)  # type: ignore[attr-defined]
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Quiet."""


class _Connection(HTTPSConnection):
    """To loopback, whatever the host's name is, as browsers do with names below localhost."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]


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
    endpoint_headers: list[tuple[str, str]]
    """What the model endpoint and the Kubeflow Pipelines of these tests answer besides."""
    first_seen: threading.Event
    """To be set by who has seen the first event of a stream."""

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        host: str = "localhost",
    ) -> tuple[HTTPResponse, bytes]:
        """One request, its path sent as written; headers may repeat. Every host is this machine."""
        connection = _Connection(host, self.port, context=self.context, timeout=30)
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


def plan(
    folder: Path, port: int, health_port: int, upstreams: tuple[int, int, int, int, int], names: int
) -> GatewayPlan:
    """The gateway's plan on loopback, for the nginx that is here. `upstreams`: ports of control plane, tracking server,
    endpoint, hub and Kubeflow Pipelines. `names`: port of the DNS server. No API server is where it says."""
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
        kubernetes="127.0.0.1:1",
        notebooks=f"http://127.0.0.1:{upstreams[3]}",
        notebooks_domain=f"nb.localhost:{port}",
        resolver=f"127.0.0.1:{names}",
        requests_per_second=500,
        max_body_mb=1,
        max_artifact_mb=4,
        folder=str(folder),
        scratch=str(folder),
        listen=f"127.0.0.1:{port}",
        health_listen=f"127.0.0.1:{health_port}",
        http2=version >= (1, 25, 1),
        access_log=str(folder / "access.log"),
        serving=f".svc.cluster.local:{upstreams[2]}",
        kubeflow_pipelines=f".svc.cluster.local:{upstreams[4]}",
    )


@contextmanager
def gateway(
    folder: Path,
    tracking_port: int | None = None,
    control_plane_port: int | None = None,
    kubernetes: KubernetesServer | None = None,
    services: Collection[str] = (),
) -> Iterator[Gateway]:
    """nginx with servers behind it; real ones where ports are given. The one model endpoint has the name `ENDPOINT`;
    `services` are others behind the two addresses, as `service.namespace`. `kubernetes` None: no API server answers."""
    found = program()
    assert found
    seen: list[dict[str, Any]] = []
    endpoint_headers: list[tuple[str, str]] = []
    first_seen = threading.Event()
    echoes = []
    ports = []
    given_ports = {
        "control-plane": control_plane_port, "tracking": tracking_port, "endpoint": None, "notebooks": None,
        "pipelines": None,
    }  # fmt: skip
    for name, given in given_ports.items():
        if given is not None:
            ports.append(given)
            continue
        echo = _Server(("127.0.0.1", 0), _Echo)
        echo.server_name_for_tests, echo.seen, echo.first_seen = name, seen, first_seen  # type: ignore[attr-defined]
        echo.more_headers = endpoint_headers if name in ("endpoint", "pipelines") else ()  # type: ignore[attr-defined]
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        echoes.append(echo)
        ports.append(echo.server_address[1])
    port, health_port = free_port(), free_port()
    authority = Authority.create(folder / "pki")
    certificate, key = authority.issue("gateway", "localhost", hosts=["localhost", "127.0.0.1", "*.nb.localhost"])
    (folder / "tls").mkdir()
    shutil.copy(certificate, folder / "tls" / "tls.crt")
    shutil.copy(key, folder / "tls" / "tls.key")
    (folder / "hops").mkdir()
    for name in ("control-plane", "tracking", "notebooks"):
        text = f'proxy_set_header X-Mlp-Gateway-Secret "{hop_secret(name)}";\n'
        (folder / "hops" / f"{name}.conf").write_text(text)
    (folder / "kubernetes").mkdir()
    shutil.copy(kubernetes.ca_file if kubernetes else certificate, folder / "kubernetes" / "ca.crt")
    known = {endpoint_of(ENDPOINT).service, service_of(str(instance_of(PIPELINES))), *services}  # type: ignore[union-attr]
    names = NameServer({f"{service}.svc.cluster.local" for service in known}).start()
    made = plan(folder, port, health_port, (ports[0], ports[1], ports[2], ports[3], ports[4]), names.port)
    if kubernetes:
        made = replace(made, kubernetes=urlsplit(kubernetes.url).netloc)
    config = folder / "nginx.conf"
    config.write_text(configuration(made))
    # Started by root, its workers would be somebody who cannot enter the folder of these tests.
    own = " user root;" if os.geteuid() == 0 else ""
    with (folder / "stderr.log").open("wb") as log:
        process = subprocess.Popen(
            [found, "-e", "stderr", "-c", str(config), "-g", f"daemon off;{own}"], stdout=log, stderr=log
        )
    try:
        wait_for_port(port)
        context = ssl.create_default_context(cafile=str(authority.certificate_file))
        yield Gateway(port, health_port, folder, seen, context, endpoint_headers, first_seen)
    finally:
        process.terminate()
        process.wait(30)
        names.stop()
        for echo in echoes:
            echo.shutdown()
            echo.server_close()


def hop_secret(name: str) -> str:
    """What the gateway of these tests sends to each server."""
    return f"hop-secret-for-{name}-0123456789abcdef"
