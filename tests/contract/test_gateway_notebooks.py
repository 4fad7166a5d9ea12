"""Notebooks behind the gateway, in a real nginx: what the hub learns, and where a server's origin leads."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.reconcile.world import until
from tests.servers.gateway import AWAY, PLACES, Gateway, gateway, hop_secret, program

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]

GOOD = {"Authorization": "Bearer good"}
ALICE = "nb-alice-1.nb.localhost"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("gateway")) as started:
        yield started


def _headers(seen: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in seen["headers"]:
        found.setdefault(name, []).append(value)
    return found


def test_the_hub_learns_who_calls_and_gets_no_cookie_and_no_token(running: Gateway) -> None:
    sent = {**GOOD, "Cookie": "__Host-mlp_session=secret", "X-Remote-User": "user:root", "X-Notebook": "nb-alice-1"}
    answer, body = running.ask("POST", "/notebooks/hub/api/users/alice/servers/acme--dev?x=%2e", sent, b"{}")
    seen = json.loads(body)
    headers = _headers(seen)
    assert answer.status == 200
    assert (seen["server"], seen["path"]) == ("notebooks", "/notebooks/hub/api/users/alice/servers/acme--dev?x=%2e")
    assert headers["x-remote-user"] == ["user:alice"]
    assert headers["x-remote-groups"] == ["tenant:acme:member|tenant:acme:viewer"]
    assert headers["x-mlp-gateway-secret"] == [hop_secret("notebooks")]
    assert not {"authorization", "cookie", "x-notebook"} & set(headers)
    assert answer.headers["Set-Cookie"] is None, "the hub keeps no session"


def test_nobody_gets_to_the_hub_unknown_or_from_another_page(running: Gateway) -> None:
    running.seen.clear()
    assert running.ask("GET", "/notebooks/hub/api/user")[0].status == 401
    assert running.ask("GET", "/notebooks/hub/api/user", {"Authorization": "Bearer nobody"})[0].status == 403
    foreign = {**GOOD, "Origin": f"https://{ALICE}:{running.port}"}
    assert running.ask("DELETE", "/notebooks/hub/api/users/alice/servers/acme--dev", foreign)[0].status == 403
    assert {seen["server"] for seen in running.seen} == {"control-plane"}


@pytest.mark.parametrize("path", ["/internal/place", "/notebooks/internal/place", "/_place"])
def test_the_hubs_answers_about_places_are_the_gateways_alone(running: Gateway, path: str) -> None:
    for host in ("localhost", ALICE):
        running.seen.clear()
        running.ask("GET", path, {**GOOD, "X-Notebook": "nb-alice-1"}, host=host)
        asked = [seen for seen in running.seen if seen["server"] == "notebooks" and seen["path"] == "/internal/place"]
        assert all(_headers(seen)["x-notebook"] == ["nb-alice-1"] for seen in asked)
        assert not [seen for seen in asked if host == "localhost"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("client_id=jupyterhub-user-a.b-acme--dev&state=x", "/notebooks/hub/open/jupyterhub-user-a.b-acme--dev"),
        ("state=x&client_id=jupyterhub-user-a-acme--dev", "/notebooks/hub/open/jupyterhub-user-a-acme--dev"),
        ("client_id=https://evil.example/", "/notebooks/hub/api/oauth2/authorize"),
        ("client_id=jupyterhub-user-a%0d%0a", "/notebooks/hub/api/oauth2/authorize"),
    ],
)
def test_signing_in_leads_back_to_the_server(running: Gateway, query: str, place: str) -> None:
    answer, _ = running.ask("GET", f"/notebooks/hub/api/oauth2/authorize?{query}", {"Accept": "text/html"})
    assert (answer.status, answer.headers["Location"]) == (303, f"/login?next={place}")


def test_a_servers_origin_leads_to_the_place_that_the_hub_names(running: Gateway) -> None:
    path = "/notebooks/user/alice/acme--dev/api/contents/a%20b?x=%2e"
    cookie = {"Cookie": "__Host-x=1", "X-XSRFToken": "t", "Origin": "https://elsewhere.example"}
    answer, body = running.ask("PUT", path, cookie, b"{}", host=ALICE)
    seen = json.loads(body)
    headers = _headers(seen)
    assert (answer.status, seen["method"], seen["path"], seen["length"]) == (200, "PUT", path, 2)
    assert headers["host"] == [f"{ALICE}:{running.port}"], "Jupyter compares it with Origin"
    assert headers["cookie"] == ["__Host-x=1"]
    assert headers["x-xsrftoken"] == ["t"]
    assert headers["x-forwarded-proto"] == ["https"]
    assert not {"x-mlp-gateway-secret", "x-remote-user"} & set(headers)
    assert answer.headers["Set-Cookie"] == "seen=1"


@pytest.mark.parametrize(("given", "passed"), [("token abc", ["token abc"]), ("Bearer mlp_secret", None),
                                               ("token mlp_secret", None), ("BEARER  MLP_secret", None)])  # fmt: skip
def test_a_platform_token_does_not_get_into_a_pod(running: Gateway, given: str, passed: list[str] | None) -> None:
    _, body = running.ask("GET", "/x", {"Authorization": given}, host=ALICE)
    assert _headers(json.loads(body)).get("authorization") == passed


def test_servers_that_do_not_run_or_are_lost_to_their_owner(running: Gateway) -> None:
    page = {"Accept": "text/html"}
    answer, _ = running.ask("GET", "/notebooks/user/b/acme--dev/lab", page, host="nb-bob-1.nb.localhost")
    assert answer.status == 303
    assert answer.headers["Location"] == f"https://localhost:{running.port}/notebooks/hub/home"
    assert running.ask("GET", "/api", host="nb-bob-1.nb.localhost")[0].status == 424
    assert running.ask("GET", "/api", host="nb-lost-1.nb.localhost")[0].status == 403
    assert running.ask("GET", "/api", host="nb-broken-1.nb.localhost")[0].status == 503


@pytest.mark.parametrize("host", ["alice.nb.localhost", "nb.localhost", "x.nb-alice-1.nb.localhost"])
def test_other_names_below_the_domain_are_nobodys(running: Gateway, host: str) -> None:
    running.context.check_hostname = False
    try:
        assert running.ask("GET", "/", host=host)[0].status == 421
    finally:
        running.context.check_hostname = True


def test_the_platforms_pages_are_not_on_a_servers_origin(running: Gateway) -> None:
    for path in ("/api/v1/me", "/mlflow/", "/notebooks/hub/home", "/login"):
        _, body = running.ask("GET", path, GOOD, host=ALICE)
        assert json.loads(body)["server"] == "notebooks", "everything there is the server's own"


def test_answers_are_remembered_shortly_and_longer_without_the_hub(running: Gateway) -> None:
    PLACES["nb-carol-1"] = "here"
    host = "nb-carol-1.nb.localhost"
    asked = 0

    def five_within_a_second() -> bool:
        """For so long is a place remembered."""
        nonlocal asked
        time.sleep(2.1)
        running.seen.clear()
        began = time.monotonic()
        for _ in range(5):
            assert running.ask("GET", "/x", host=host)[0].status == 200
        asked = len([seen for seen in running.seen if seen["path"] == "/internal/place"])
        return time.monotonic() - began < 1

    try:
        until("five answers came within a second", five_within_a_second)
        assert asked == 1
        PLACES["nb-carol-1"] = 403
        time.sleep(2.1)
        assert running.ask("GET", "/x", host=host)[0].status == 403, "a refusal acts as soon as the answer is old"
        PLACES["nb-carol-1"] = "here"
        assert running.ask("GET", "/x", host=host)[0].status == 200
        PLACES["nb-carol-1"] = AWAY
        time.sleep(2.1)
        assert running.ask("GET", "/x", host=host)[0].status == 200, "a hub that is away is not missed"
    finally:
        del PLACES["nb-carol-1"]


def test_websockets_reach_the_server(running: Gateway) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    with (
        socket.create_connection(("127.0.0.1", running.port), 10) as plain,
        running.context.wrap_socket(plain, server_hostname=ALICE) as tls,
    ):
        lines = [f"GET /api/kernels/1/channels HTTP/1.1\r\nHost: {ALICE}:{running.port}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
        tls.sendall("\r\n".join(lines).encode())
        assert tls.recv(65536)
    headers = _headers(next(seen for seen in running.seen if seen["path"] == "/api/kernels/1/channels"))
    assert headers["upgrade"] == ["websocket"]
    assert headers["connection"] == ["upgrade"]
    assert headers["sec-websocket-key"] == [key]
