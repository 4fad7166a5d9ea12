"""A Jupyter server as a program sees it: REST calls, and code run in a kernel over its WebSocket."""

from __future__ import annotations

import json
import socket
import ssl
import time
import uuid
from http.client import HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage

_SECONDS = 30.0


class KernelFailed(AssertionError):
    """A call was refused, or the code raised; the message ends with what was said."""


class JupyterServer:
    """`url`: the server's address with its path. `token`: good for this server. `ca`: PEM, empty for the system's."""

    def __init__(self, url: str, token: str, ca: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 443
        self._netloc = parts.netloc
        self._path = parts.path.rstrip("/")
        self._headers = {"Authorization": f"token {token}", "Host": parts.netloc}
        self._context = ssl.create_default_context()
        if ca:
            self._context.load_verify_locations(cadata=ca)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer of a call below the server's path. Raises KernelFailed for every status but 2xx."""
        connection = _Connection(self._host, self._port, context=self._context, timeout=_SECONDS)
        try:
            content = json.dumps(body) if body is not None else None
            connection.request(method, f"{self._path}{path}", content, self._headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            raise KernelFailed(f"{self._netloc} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status // 100 != 2:
            raise KernelFailed(f"{method} {path} at {self._netloc}: status {answer.status}: {text[:300]!r}")
        return json.loads(text) if text else None

    def run(self, code: str, seconds: float = 120.0) -> str:
        """What the code prints, run in a kernel of its own that ends afterwards. Raises KernelFailed if it raises."""
        kernel = self.call("POST", "/api/kernels", {"name": "python3"})["id"]
        try:
            return self._run(kernel, code, time.monotonic() + seconds)
        finally:
            self.call("DELETE", f"/api/kernels/{kernel}")

    def _run(self, kernel: str, code: str, deadline: float) -> str:
        with self._connect() as plain:
            channel = _Channel(plain)
            target = f"{self._path}/api/kernels/{kernel}/channels"
            channel.open(self._netloc, target, self._headers["Authorization"])
            message = _execute(code)
            channel.send(json.dumps(message))
            printed: list[str] = []
            while time.monotonic() < deadline:
                plain.settimeout(max(0.1, deadline - time.monotonic()))
                said = json.loads(channel.receive())
                if said.get("parent_header", {}).get("msg_id") != message["header"]["msg_id"]:
                    continue
                kind, content = said["msg_type"], said["content"]
                if kind == "stream":
                    printed.append(content["text"])
                elif kind == "error":
                    raise KernelFailed(f"{content['ename']}: {content['evalue']}")
                elif kind == "status" and content["execution_state"] == "idle":
                    return "".join(printed)
        raise KernelFailed(f"the code did not end in time; until then it printed {''.join(printed)[-300:]!r}")

    def _connect(self) -> ssl.SSLSocket:
        return self._context.wrap_socket(_open(self._host, self._port), server_hostname=self._host)


class _Connection(HTTPSConnection):
    def connect(self) -> None:
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(_open(self.host, self.port), server_hostname=self.host)


def _open(host: str, port: int) -> socket.socket:
    """As browsers do, takes every name below localhost for this machine; resolvers know only the shortest one."""
    return socket.create_connection(("127.0.0.1" if host.endswith(".localhost") else host, port), _SECONDS)


class _Channel:
    """One WebSocket on a connected socket."""

    def __init__(self, plain: ssl.SSLSocket) -> None:
        self._socket = plain
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._part = ""

    def open(self, host: str, target: str, authorization: str) -> None:
        headers = [(b"Authorization", authorization.encode())]
        self._socket.sendall(self._protocol.send(Request(host=host, target=target, extra_headers=headers)))
        event = self._next()
        if not isinstance(event, AcceptConnection):
            status = event.status_code if isinstance(event, RejectConnection) else "none"
            raise KernelFailed(f"the kernel's connection was refused with status {status}")

    def send(self, text: str) -> None:
        self._socket.sendall(self._protocol.send(TextMessage(data=text)))

    def receive(self) -> str:
        """The next whole text message."""
        while True:
            event = self._next()
            if isinstance(event, TextMessage):
                self._part += event.data
                if event.message_finished:
                    whole, self._part = self._part, ""
                    return whole
            elif isinstance(event, Ping):
                self._socket.sendall(self._protocol.send(event.response()))
            elif isinstance(event, CloseConnection):
                raise KernelFailed(f"the kernel's connection was closed: {event.reason or event.code}")

    def _next(self) -> Any:
        while True:
            for event in self._protocol.events():
                return event
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                raise KernelFailed("the kernel said nothing in time") from None
            self._protocol.receive_data(data or None)


def _execute(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex, "username": "tour", "session": uuid.uuid4().hex, "msg_type": "execute_request",
        "version": "5.3", "date": "",
    }  # fmt: skip
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
