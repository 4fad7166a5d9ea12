"""Model endpoints behind a real nginx: which paths reach one, and what its answers may not do."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.servers.gateway import ENDPOINT, Gateway, gateway, program

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]

GOOD = {"Authorization": "Bearer good"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("gateway")) as started:
        yield started


@pytest.fixture(autouse=True)
def _fresh(running: Gateway) -> None:
    running.seen.clear()
    running.endpoint_headers.clear()


def test_a_call_reaches_the_endpoint_without_what_it_needs_not_know(running: Gateway) -> None:
    sent = {**GOOD, "Cookie": "__Host-mlp_session=secret", "Content-Type": "application/json", "X-Remote-User": "root"}
    path = f"{ENDPOINT}v1/models/iris:predict?x=%2e&y=/../"
    answer, body = running.ask("POST", path, sent, b'{"instances": []}')
    assert answer.status == 200
    seen = json.loads(body)
    assert (seen["server"], seen["method"], seen["path"]) == (
        "endpoint",
        "POST",
        "/v1/models/iris:predict?x=%2e&y=/../",
    )
    assert seen["length"] == 17
    headers = dict(seen["headers"])
    assert headers["host"].startswith("iris-predictor.ws-acme--dev.svc.cluster.local")
    assert headers["content-type"] == "application/json"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert not {"authorization", "cookie", "x-remote-user", "x-remote-groups", "x-mlp-gateway-secret"} & set(headers)
    assert running.seen[0]["server"] == "control-plane"
    assert dict(running.seen[0]["headers"])["x-original-uri"] == path


@pytest.mark.parametrize(
    "path",
    [
        "/serving/ws-acme--dev/iris",
        "/serving/",
        "/serving//ws-acme--dev/iris/v2",
        "//serving/ws-acme--dev/iris/v2",
        "/./serving/ws-acme--dev/iris/v2",
        "/x/../serving/ws-acme--dev/iris/v2",
        "/mlflow/../serving/ws-acme--dev/iris/v2",
        "/%73erving/ws-acme--dev/iris/v2",
        "/serving/ws-acme--dev/iris//v2",
        "/serving/ws-acme--dev/iris/../../ws-evil--dev/iris/v2",
        "/serving/ws-acme--dev/iris/./v2",
        "/serving/ws-acme--dev/iris/..%2f..%2fws-evil--dev/iris/v2",
        "/serving/ws-acme--dev/iris/%2e%2e/v2",
        "/serving/ws-acme--dev%2firis/v2",
        "/serving/ws-acme--dev/iris%2fv2",
        "/serving/ws-acme--dev/iris.ws-evil--dev/v2",
        "/serving/ws-acme--dev.svc/iris/v2",
        "/serving/mlp-system/control-plane/api",
        "/serving/mlp-tracking/tracking/api",
        "/serving/kube-system/kube-dns/x",
        "/serving/127.0.0.1/x/",
        "/serving/ws-acme--dev/iris:5000/v2",
        "/serving/ws-acme--dev/iris@evil.example/v2",
        "/serving/WS-acme--dev/iris/v2",
        "/serving/ws-acme--dev/iris/a%0d%0ab",
    ],
)
def test_paths_that_are_not_plain_reach_nobody(running: Gateway, path: str) -> None:
    answer, body = running.ask("POST", path, GOOD, b"{}")
    assert (answer.status, json.loads(body)["code"]) == (404, "not-found")
    assert running.seen == []


@pytest.mark.parametrize("path", ["/serving/ws-acme--dev/iris/../../../mlflow/api", "/serving/../mlflow/api"])
def test_a_path_that_begins_like_an_endpoint_is_still_what_it_leads_to(running: Gateway, path: str) -> None:
    """The control plane refuses what is below /serving/ and not plain, wherever nginx would bring it."""
    running.ask("GET", path, GOOD)
    assert "endpoint" not in {seen["server"] for seen in running.seen}


def test_refusals_and_failures_of_the_control_plane_let_nobody_through(running: Gateway) -> None:
    for token, status, code in (("nobody", 403, "not-allowed"), ("broken", 503, "unavailable"), ("", 401, "sign-in")):
        answer, body = running.ask("GET", ENDPOINT, {"Authorization": f"Bearer {token}"})
        assert (answer.status, json.loads(body)["code"]) == (status, code)
    assert {seen["server"] for seen in running.seen} == {"control-plane"}


def test_an_endpoint_that_is_not_there_is_said_to_be_unavailable(running: Gateway) -> None:
    answer, body = running.ask("GET", "/serving/ws-acme--dev/missing/v2/health/ready", GOOD)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "endpoint does not answer" in json.loads(body)["detail"]


def test_a_caller_is_told_that_an_endpoint_is_waking_up(running: Gateway) -> None:
    answer, body = running.ask("POST", ENDPOINT, {"Authorization": "Bearer early"}, b"{}")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "is being started" in json.loads(body)["detail"]
    assert {seen["server"] for seen in running.seen} == {"control-plane"}


def test_changes_from_other_pages_are_refused(running: Gateway) -> None:
    answer, _ = running.ask("POST", f"{ENDPOINT}v2/x", {**GOOD, "Origin": "https://evil.example"}, b"{}")
    assert answer.status == 403
    assert running.seen == []


def test_answers_get_no_powers_on_the_consoles_origin(running: Gateway) -> None:
    running.endpoint_headers.extend(
        [
            ("Set-Cookie", "__Host-mlp_session=planted"),
            ("Content-Security-Policy", "script-src *"),
            ("Access-Control-Allow-Origin", "*"),
            ("Service-Worker-Allowed", "/"),
            ("Clear-Site-Data", "*"),
            ("X-Served-By", "somebody-else"),
            ("X-Model", "kept"),
        ]
    )
    answer, _ = running.ask("GET", ENDPOINT, GOOD)
    assert answer.headers.get_all("Content-Security-Policy") == ["sandbox; default-src 'none'"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Model"] == "kept"
    assert answer.headers.get_all("X-Served-By") == ["iris"], "who answered says the control plane"
    for name in ("Set-Cookie", "Access-Control-Allow-Origin", "Service-Worker-Allowed", "Clear-Site-Data"):
        assert name not in answer.headers


def test_an_endpoint_cannot_send_nginx_to_internal_locations(running: Gateway) -> None:
    running.endpoint_headers.extend([("X-Accel-Redirect", "/_authorize"), ("X-Accel-Limit-Rate", "1")])
    answer, body = running.ask("GET", ENDPOINT, GOOD)
    assert (answer.status, json.loads(body)["server"]) == (200, "endpoint")
    assert [seen["server"] for seen in running.seen] == ["control-plane", "endpoint"]
    assert "X-Accel-Redirect" not in answer.headers


def test_bodies_have_limits(running: Gateway) -> None:
    answer, text = running.ask("POST", ENDPOINT, GOOD, b"x" * (2 * 1024 * 1024))
    assert (answer.status, json.loads(text)["code"]) == (413, "too-large")


def test_answers_come_piece_by_piece(running: Gateway) -> None:
    """Server-sent events are not kept until the answer is whole."""
    with (
        socket.create_connection(("127.0.0.1", running.port), timeout=30) as raw,
        running.context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        assert isinstance(connection, ssl.SSLSocket)
        request = (
            f"GET {ENDPOINT}stream HTTP/1.1\r\nHost: localhost:{running.port}\r\nAuthorization: Bearer good\r\n\r\n"
        )
        connection.sendall(request.encode())
        text = b""
        while b"first" not in text:
            text += connection.recv(4096)
        assert b"second" not in text
        running.first_seen.set()
        while b"second" not in text:
            text += connection.recv(4096)
