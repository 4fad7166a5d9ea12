"""Secrets sealed by a key of the cloud, as moto's KMS keeps it: `pulumi` asks it over HTTP as it would ask AWS."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.clouds_support.harness import STACK
from tests.clouds_support.small import Pair, cloud_at, state_at

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning")]


class Kms(BaseHTTPRequestHandler):
    """Passes Encrypt and Decrypt on to moto, which answers boto3 only."""

    client: Any

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        blobs = ("Plaintext", "CiphertextBlob")
        asked = {name: base64.b64decode(value) if name in blobs else value for name, value in given.items()}
        call = {"Encrypt": self.client.encrypt, "Decrypt": self.client.decrypt}[
            self.headers["X-Amz-Target"].rpartition(".")[2]
        ]
        made = {key: value for key, value in call(**asked).items() if key != "ResponseMetadata"}
        text = json.dumps(
            {key: base64.b64encode(value).decode() if key in blobs else value for key, value in made.items()}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
        """Says nothing."""


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """URL of a key."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with mock_aws():
        Kms.client = boto3.Session().client("kms", region_name="eu-central-1")
        made = Kms.client.create_key()["KeyMetadata"]["KeyId"]
        server = ThreadingHTTPServer(("127.0.0.1", 0), Kms)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"awskms:///{made}?region=eu-central-1&awssdk=v2&endpoint=http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()


def test_two_machines_share_secrets_by_a_key(tmp_path: Path, key: str) -> None:
    shared = f"file://{tmp_path / 'shared'}"
    one = cloud_at(tmp_path / "one", shared, secrets=key)
    one.up(Pair())
    assert one.engine.outputs(STACK)["secret"].value == "canary-output"
    two = cloud_at(tmp_path / "two", shared, secrets=key)
    assert two.engine.outputs(STACK)["secret"].value == "canary-output"
    assert two.engine.outputs(STACK)["secret"].secret
    assert not one.up(Pair()).changed
    folder = state_at(shared)
    assert folder is not None
    kept = "\n".join(folder.read(name) or "" for name in folder.names(".pulumi/"))
    assert "canary" not in kept
    assert "awskms" in kept
