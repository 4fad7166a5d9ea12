"""The kubeconfig's command, as kubectl runs it: a service account's key is exchanged for a token."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.clouds.gcp.registry import login
from infra.clouds.gcp.token import credential
from infra.profile.load import load
from infra.supply.push import Credentials

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[3]
EMAIL = "installer@my-project.iam.gserviceaccount.com"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def authority() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Google's token endpoint: its URL, and the claims that it was shown. It checks the signature."""
    shown: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            # Whatever the account's file says, the assertion is for Google.
            google = "https://oauth2.googleapis.com/token"
            shown.append(jwt.decode(given["assertion"][0], KEY.public_key(), ["RS256"], audience=google))
            content = json.dumps({"access_token": "ya29.short", "expires_in": 3599, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/token", shown
    server.shutdown()
    server.server_close()


def run(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.clouds.gcp.token"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def account(folder: Path, url: str) -> Path:
    """The file of a service account whose tokens come from `url`."""
    key = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path = folder / "installer.json"
    given = {"type": "service_account", "client_email": EMAIL, "private_key": key, "token_uri": url}
    path.write_text(json.dumps({**given, "project_id": "my-project"}), "utf-8")
    path.chmod(0o600)
    return path


def test_the_image_registry_takes_the_same_token(
    tmp_path: Path, authority: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(tmp_path, authority[0])))
    assert login(load("gcp")) == Credentials("oauth2accesstoken", "ya29.short")


def test_kubectl_is_given_a_token_with_its_end(tmp_path: Path, authority: tuple[str, list[dict[str, Any]]]) -> None:
    url, shown = authority
    path = account(tmp_path, url)

    done = run({"GOOGLE_APPLICATION_CREDENTIALS": str(path), "HOME": str(tmp_path)})

    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert (made["apiVersion"], made["kind"]) == ("client.authentication.k8s.io/v1", "ExecCredential")
    assert made["status"]["token"] == "ya29.short"
    end = datetime.datetime.fromisoformat(made["status"]["expirationTimestamp"])
    left = end - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(minutes=55) < left <= datetime.timedelta(hours=1)
    assert [(each["iss"], each["scope"]) for each in shown] == [
        (EMAIL, "https://www.googleapis.com/auth/cloud-platform")
    ]


def test_a_key_that_google_does_not_know_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "user.json"
    path.write_text(json.dumps({"type": "authorized_user", "client_id": "c", "client_secret": "s"}), "utf-8")
    done = run({"GOOGLE_APPLICATION_CREDENTIALS": str(path), "HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_who_is_not_signed_in_is_told_how(tmp_path: Path) -> None:
    done = run({"HOME": str(tmp_path), "NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path)})
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Run: gcloud auth application-default login" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_without_an_end_is_asked_for_each_time() -> None:
    assert credential("t", None)["status"] == {"token": "t"}
