"""The gateway's configuration in a real nginx: what passes, what is stripped, what is answered at the door."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.gateway import Gateway, gateway, hop_secret, program
from tests.servers.ports import free_port

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]

GOOD = {"Authorization": "Bearer good"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("gateway")) as started:
        yield started


def _headers(seen: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in seen["headers"]:
        found.setdefault(name, []).append(value)
    return found


SPOOFED = [
    ("X-Remote-User", "admin"),
    ("x-remote-user", "admin"),
    ("X_Remote_User", "admin"),
    ("x-remote_user", "admin"),
    ("X-REMOTE-USER", "admin"),
    ("X-Remote-Groups", "system:masters"),
    ("X-Remote-Extra-Scopes", "all"),
    ("X-Forwarded-User", "admin"),
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Access-Token", "Bearer stolen"),
    ("Forwarded", "for=10.0.0.1"),
    ("X-Real-IP", "10.0.0.1"),
    ("kubeflow-userid", "admin"),
    ("Impersonate-User", "admin"),
    ("X-Mlp-Gateway-Secret", "guess"),
    ("X-Mlp-Workspaces", "all"),
    ("X_Mlp_Gateway_Secret", "guess"),
    ("X-Original-URI", "/"),
    ("X-Request-ID", "chosen-by-the-client"),
    ("Remote-User", "admin"),
]


@pytest.mark.parametrize(("name", "value"), SPOOFED)
def test_identity_headers_of_clients_end_here(running: Gateway, name: str, value: str) -> None:
    running.seen.clear()
    for path in ("/mlflow/api/2.0/mlflow/experiments/search", "/api/v1/me"):
        answer, _ = running.ask("GET", path, [*GOOD.items(), (name, value), (name, value)])
        assert answer.status == 200
    assert [seen["server"] for seen in running.seen] == ["control-plane", "tracking", "control-plane"]
    for seen in running.seen:
        assert value not in [sent for _, sent in seen["headers"]]


def test_tracking_learns_who_calls_and_nothing_secret(running: Gateway) -> None:
    running.seen.clear()
    sent = {**GOOD, "Cookie": "__Host-mlp_session=secret", "X-MLFLOW-WORKSPACE": "ws-acme--dev", "Content-Type": "a/b"}
    answer, body = running.ask("POST", "/mlflow/api/2.0/mlflow/runs/create?x=1", sent, b"{}")
    assert answer.status == 200
    seen = json.loads(body)
    headers = _headers(seen)
    assert (seen["server"], seen["method"], seen["path"]) == ("tracking", "POST", "/api/2.0/mlflow/runs/create?x=1")
    assert headers["x-remote-user"] == ["user:alice"]
    assert headers["x-remote-groups"] == ["tenant:acme:member|tenant:acme:viewer"]
    assert headers["x-mlflow-workspace"] == ["ws-acme--dev"]
    assert headers["x-mlp-gateway-secret"] == [hop_secret("tracking")]
    assert headers["host"] == ["tracking.mlp-tracking.svc"]
    assert headers["x-forwarded-for"] == ["127.0.0.1"]
    assert "authorization" not in headers
    assert "cookie" not in headers


def test_control_plane_is_asked_with_everything_it_needs(running: Gateway) -> None:
    running.seen.clear()
    sent = {**GOOD, "Cookie": "a=b", "X-MLflow-Workspace": "ws-acme--dev"}
    running.ask("PUT", "/mlflow/api/2.0/mlflow-artifacts/artifacts/a%20b/c?x=%2e", sent, b"x" * 10)
    asked = running.seen[0]
    headers = _headers(asked)
    assert (asked["server"], asked["method"], asked["path"], asked["length"]) == (
        "control-plane",
        "GET",
        "/internal/authorize",
        0,
    )
    assert headers["x-original-method"] == ["PUT"]
    assert headers["x-original-uri"] == ["/mlflow/api/2.0/mlflow-artifacts/artifacts/a%20b/c?x=%2e"]
    assert headers["authorization"] == ["Bearer good"]
    assert headers["cookie"] == ["a=b"]
    assert headers["x-real-ip"] == ["127.0.0.1"]
    assert headers["x-mlp-gateway-secret"] == [hop_secret("control-plane")]
    assert headers["host"] == [f"localhost:{running.port}"]


def test_browsers_are_sent_to_sign_in_and_programs_told(running: Gateway) -> None:
    answer, _ = running.ask("GET", "/mlflow/", {"Accept": "text/html,application/xhtml+xml"})
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/mlflow/")
    answer, body = running.ask("GET", "/mlflow/api/2.0/mlflow/runs/get", {"Accept": "application/json"})
    assert (answer.status, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mlp"'
    assert json.loads(body)["status"] == 401


@pytest.mark.parametrize(
    "path", ["//evil.example/..%2f../mlflow/", "/mlflow/%0d%0aSet-Cookie:x=1", "/mlflow/a&next=//x"]
)
def test_sign_in_comes_back_to_this_server_only(running: Gateway, path: str) -> None:
    answer, _ = running.ask("GET", path, {"Accept": "text/html"})
    location = answer.headers["Location"] or "/login?next=/mlflow/"
    assert location.startswith("/login?next=/mlflow/")
    assert "evil" not in location
    assert "&" not in location
    assert "Set-Cookie" not in answer.headers


def test_refusals_and_failures_of_the_control_plane_let_nobody_through(running: Gateway) -> None:
    running.seen.clear()
    answer, body = running.ask("GET", "/mlflow/x", {"Authorization": "Bearer nobody"})
    assert (answer.status, json.loads(body)["code"]) == (403, "not-allowed")
    answer, body = running.ask("GET", "/mlflow/x", {"Authorization": "Bearer broken"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert {seen["server"] for seen in running.seen} == {"control-plane"}


@pytest.mark.parametrize(
    "path",
    [
        "/internal",
        "/internal/authorize",
        "//internal/authorize",
        "/./internal/authorize",
        "/x/../internal/authorize",
        "/internal%2fauthorize",
        "/%69nternal/authorize",
        "/mlflow/../internal/authorize",
        "/internal/..%2finternal/authorize",
        "/_authorize",
        "/metrics",
        "/metrics/",
        "//metrics",
        "/healthz",
        "/readyz",
        "/%6detrics",
    ],
)
def test_internal_addresses_are_not_reached_from_outside(running: Gateway, path: str) -> None:
    running.seen.clear()
    answer, _ = running.ask("GET", path, GOOD)
    assert answer.status == 404
    assert running.seen == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:{port}", "https://localhost:1"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_changes_from_other_pages_are_refused(running: Gateway, method: str, origin: str) -> None:
    running.seen.clear()
    sent = {**GOOD, "Origin": origin.format(port=running.port)}
    answer, _ = running.ask(method, "/mlflow/ajax-api/2.0/mlflow/runs/delete", sent, b"{}")
    assert answer.status == 403
    assert running.seen == []


def test_changes_from_own_pages_and_programs_pass(running: Gateway) -> None:
    own = {**GOOD, "Origin": f"https://localhost:{running.port}"}
    assert running.ask("POST", "/mlflow/ajax-api/2.0/mlflow/runs/search", own, b"{}")[0].status == 200
    assert running.ask("POST", "/mlflow/ajax-api/2.0/mlflow/runs/search", GOOD, b"{}")[0].status == 200
    foreign = {**GOOD, "Origin": "https://evil.example"}
    assert running.ask("GET", "/mlflow/ajax-api/2.0/mlflow/runs/search", foreign)[0].status == 200


def test_users_files_are_sandboxed(running: Gateway) -> None:
    for path in (
        "/mlflow/get-artifact?path=x.html",
        "/mlflow/model-versions/get-artifact?path=x.html",
        "/mlflow/ajax-api/2.0/mlflow/get-trace-artifact?path=x",
        "/mlflow/api/2.0/mlflow-artifacts/artifacts/x.html",
    ):
        answer, _ = running.ask("GET", path, GOOD)
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'", path
    assert "Content-Security-Policy" not in running.ask("GET", "/mlflow/", GOOD)[0].headers


def test_bodies_have_limits(running: Gateway) -> None:
    body = b"x" * (2 * 1024 * 1024)
    for path in ("/api/v1/tenants", "/mlflow/api/2.0/mlflow/runs/log-batch"):
        answer, text = running.ask("POST", path, GOOD, body)
        assert (answer.status, json.loads(text)["code"]) == (413, "too-large")
    assert running.ask("PUT", "/mlflow/api/2.0/mlflow-artifacts/artifacts/f", GOOD, body)[0].status == 200
    more = b"x" * (5 * 1024 * 1024)
    running.seen.clear()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):  # it may hang up on the body
        assert running.ask("PUT", "/mlflow/api/2.0/mlflow-artifacts/artifacts/f", GOOD, more)[0].status == 413
    assert running.seen == []


def test_other_host_names_are_not_served(running: Gateway) -> None:
    running.seen.clear()
    answer, body = running.ask("GET", "/api/v1/me", [("Host", "evil.example"), *GOOD.items()])
    assert (answer.status, json.loads(body)["code"]) == (421, "misdirected-request")
    assert running.seen == []


def test_tls_1_2_is_spoken_and_plain_http_refused(running: Gateway) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(running.folder / "pki" / "ca.crt")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", running.port)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        assert connection.version() == "TLSv1.2"
    plain = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
    plain.request("GET", "/api/v1/me")
    assert plain.getresponse().status == 400
    plain.close()


def test_console_gets_its_own_headers_and_no_server_version(running: Gateway) -> None:
    running.seen.clear()
    sent = {"HX-Request": "true", "X-CSRF-Token": "t", "Idempotency-Key": "k", "Last-Event-ID": "7", "If-Match": '"3"'}
    answer, body = running.ask("POST", "/tenants", sent, b"a=b")
    headers = _headers(json.loads(body))
    assert {name.lower(): [value] for name, value in sent.items()}.items() <= headers.items()
    assert headers["x-forwarded-proto"] == ["https"]
    assert len(headers["x-request-id"][0]) == 32
    assert answer.headers["Server"] == "nginx"
    assert "Strict-Transport-Security" not in answer.headers


def test_log_holds_no_queries_and_no_secrets(running: Gateway) -> None:
    running.ask(
        "GET", "/mlflow/api/2.0/mlflow/runs/get?token=canary-in-query", {**GOOD, "Cookie": "s=canary-in-cookie"}
    )
    text = (running.folder / "access.log").read_text()
    assert '"caller":"user:alice"' in text
    assert all(json.loads(line) for line in text.splitlines())
    errors = (running.folder / "stderr.log").read_text()
    for canary in ("canary", "Bearer", hop_secret("tracking"), hop_secret("control-plane")):
        assert canary not in text
        assert canary not in errors


def test_health_answers_on_its_own_port_only(running: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.health_port, timeout=5)
    for path, status in (("/health", 200), ("/", 404), ("/internal/authorize", 404)):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.close()


def test_a_silent_server_is_said_to_be_unavailable(tmp_path: Path) -> None:
    with gateway(tmp_path, control_plane_port=free_port()) as alone:
        for path in ("/api/v1/me", "/mlflow/"):
            answer, body = alone.ask("GET", path, GOOD)
            assert (answer.status, json.loads(body)["code"]) == (503, "unavailable")
