"""AWS on loopback for programs that are no Python: moto answers what they send to one address.

    with aws() as server:
        server.client("ec2").describe_vpcs()         # looks at what they made

Which service a request is for stands in its signature.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import boto3
import requests
from moto import mock_aws

ACCOUNT, REGION = "123456789012", "eu-central-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
    "AWS_EC2_METADATA_DISABLED": "true",
    "MOTO_ACCOUNT_ID": ACCOUNT,
}
"""Nobody's credentials, and none of this machine's."""
_SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_DENIED = (
    b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>"
)
_DROPPED = {"connection", "content-length", "host", "transfer-encoding", "accept-encoding"}


class Aws:
    """One account. `url` is the endpoint of all its services (AWS_ENDPOINT_URL)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.permitted: frozenset[str] | None = None
        """Actions, such as `ec2:CreateFleet`, that the callers' role has; None: everything."""
        self.refused: set[str] = set()
        """Actions that were asked for and are not among them."""

    def client(self, service: str) -> Any:
        """A client in this process."""
        return boto3.client(service, region_name=REGION)


@contextmanager
def aws() -> Iterator[Aws]:
    """An account for as long as the block runs."""
    with patch.dict(os.environ, ENVIRONMENT), mock_aws():
        server = _Server(("127.0.0.1", 0), _Handler)
        server.aws = Aws(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.aws
        finally:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    aws: Aws

    def handle_error(self, *_: Any) -> None:
        """A caller that was killed hears no answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def _pass(self) -> None:
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        if scope is None:
            self._answer(403, {}, b"unsigned")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        action = f"{scope['service']}:{_action(self.headers, body)}"
        permitted = self.server.aws.permitted
        if permitted is not None and action not in permitted:
            self.server.aws.refused.add(action)
            self._answer(403, {"Content-Type": "text/xml"}, _DENIED)
            return
        host = f"{scope['service']}.{scope['region']}.amazonaws.com"
        sent = {key: value for key, value in self.headers.items() if key.lower() not in _DROPPED}
        answer = requests.request(
            self.command, f"https://{host}{self.path}", headers={**sent, "Host": host}, data=body, timeout=30
        )
        kept = {key: value for key, value in answer.headers.items() if key.lower() == "content-type"}
        self._answer(answer.status_code, kept, answer.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def _action(headers: Any, body: bytes) -> str:
    target = headers.get("X-Amz-Target", "")
    if target:
        return str(target).rpartition(".")[2]
    found = re.search(rb"(?:^|&)Action=(\w+)", body)
    return found[1].decode() if found else "?"
