"""Signing in with a browser: cookies, CSRF, limits, ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from controlplane.http.caller import SESSION_COOKIE
from controlplane.runtime import utc_now
from tests.contract.controlplane.conftest import GATEWAY_SECRET, PASSWORD, SMALL, System
from tests.servers.facts import PUBLIC_URL

pytestmark = pytest.mark.contract


class Browser:
    """A client with cookies that comes from our own pages, through the gateway, from an address."""

    def __init__(self, mlp: System, address: str = "192.0.2.1") -> None:
        self.client: FlaskClient = mlp.app.test_client()
        self.headers = {
            "Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin",
            "X-Real-IP": address, "X-Mlp-Gateway-Secret": GATEWAY_SECRET,
        }  # fmt: skip

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, base_url=PUBLIC_URL, **options)

    def sign_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        answer = self("POST", "/session", json={"account": name, "password": password})
        if answer.status_code == 201:
            self.headers["X-CSRF-Token"] = answer.get_json()["csrf"]
        return answer

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie(SESSION_COOKIE, domain="localhost")
        return found.value if found else ""


def test_a_session_lives_in_a_host_cookie_and_ends_on_the_server(mlp: System) -> None:
    browser = Browser(mlp)
    answer = browser.sign_in("ada")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-mlp_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert len(browser.cookie) >= 43
    assert browser("GET", "/me").get_json()["account"] == "ada"
    secret = browser.cookie
    assert browser("DELETE", "/session").status_code == 204
    browser.client.set_cookie(SESSION_COOKIE, secret, domain="localhost", secure=True)
    assert browser("GET", "/me").status_code == 401


def test_each_sign_in_makes_a_new_session(mlp: System) -> None:
    browser = Browser(mlp)
    browser.client.set_cookie(SESSION_COOKIE, "chosen-by-an-attacker", domain="localhost", secure=True)
    browser.sign_in("ada")
    first = browser.cookie
    browser.sign_in("ada")
    assert len({"chosen-by-an-attacker", first, browser.cookie}) == 3


def test_a_change_by_cookie_must_come_from_our_own_pages(mlp: System) -> None:
    browser = Browser(mlp)
    browser.sign_in("ada")
    body = {"name": "lab", "quota": SMALL}
    for change in (
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "ü"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://localhost:9443"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert browser("GET", "/me", headers=change).status_code == 200
        refused = browser("POST", "/tenants/acme/workspaces", json=body, headers=change)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "csrf"), change
    assert browser("POST", "/tenants/acme/workspaces", json=body).status_code == 202


def test_signing_in_from_elsewhere_is_refused(mlp: System) -> None:
    browser = Browser(mlp)
    browser.headers["Sec-Fetch-Site"] = "cross-site"
    assert browser.sign_in("ada").status_code == 403
    text = browser("POST", "/session", data='{"account": "ada"}', content_type="text/plain")
    assert text.status_code == 415


def test_wrong_pairs_look_alike_and_are_limited(mlp: System) -> None:
    browser = Browser(mlp)
    known = browser.sign_in("ada", "wrong")
    unknown = browser.sign_in("nobody", "wrong")
    assert known.status_code == unknown.status_code == 401
    assert known.get_json()["detail"] == unknown.get_json()["detail"]
    for name in ("ada", "nobody"):
        statuses = [browser.sign_in(name, "wrong").status_code for _ in range(9)]
        assert statuses == [401] * 7 + [429] * 2, name
    blocked = browser.sign_in("ada")
    assert blocked.status_code == 429, "the right password does not help while blocked"
    assert int(blocked.headers["Retry-After"]) > 0
    assert Browser(mlp, "192.0.2.9").sign_in("mo").status_code == 201
    later = utc_now() + timedelta(minutes=6)
    mlp.runtime.clock = lambda: later
    assert browser.sign_in("ada").status_code == 201


def test_one_address_cannot_try_every_account(mlp: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.auth.service.FAILURES_PER_ADDRESS", 5)
    browser = Browser(mlp)
    statuses = [browser.sign_in(f"guess{n}", "wrong").status_code for n in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    patient = Browser(mlp, "192.0.2.3")
    for n in range(4):
        assert patient.sign_in(f"guess{n}", "wrong").status_code == 401
        assert patient.sign_in("mo").status_code == 201
    assert [patient.sign_in(f"more{n}", "wrong").status_code for n in range(2)] == [401, 429], (
        "a right pair in between does not pay for guessing"
    )
    assert Browser(mlp, "192.0.2.2").sign_in("ada").status_code == 201


def test_an_address_is_believed_only_from_the_gateway(mlp: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.auth.service.FAILURES_PER_ADDRESS", 5)
    browser = Browser(mlp)
    browser.headers["X-Mlp-Gateway-Secret"] = "guessed"
    statuses = []
    for n in range(7):
        browser.headers["X-Real-IP"] = f"192.0.2.{n}"
        statuses.append(browser.sign_in(f"guess{n}", "wrong").status_code)
    assert statuses == [401] * 5 + [429] * 2


def test_a_session_ends_idle_and_at_last(mlp: System) -> None:
    start = utc_now()
    browser = Browser(mlp)
    browser.sign_in("ada")
    for minutes, expected in ((50, 200), (100, 200), (150, 200), (215, 401)):
        now = start + timedelta(minutes=minutes)
        mlp.runtime.clock = lambda now=now: now
        assert browser("GET", "/me").status_code == expected, minutes
    mlp.runtime.clock = lambda: start
    browser.sign_in("ada")
    last = 200
    for minutes in range(0, 13 * 60, 50):
        now = start + timedelta(minutes=minutes)
        mlp.runtime.clock = lambda now=now: now
        last = browser("GET", "/me").status_code
    assert last == 401


def test_disabling_and_new_passwords_end_sessions(mlp: System) -> None:
    root = mlp.caller("root")
    one, other = Browser(mlp), Browser(mlp)
    one.sign_in("ada")
    other.sign_in("ada")
    new = "another long password"
    wrong = one("POST", "/me/password", json={"current": "wrong", "new": new})
    assert wrong.status_code == 401
    assert one("POST", "/me/password", json={"current": PASSWORD, "new": new}).status_code == 204
    assert (one("GET", "/me").status_code, other("GET", "/me").status_code) == (200, 401)
    assert other.sign_in("ada").status_code == 401
    assert other.sign_in("ada", new).status_code == 201
    root.patch("/accounts/ada", {"disabled": True})
    assert (one("GET", "/me").status_code, other("GET", "/me").status_code) == (401, 401)
    assert one.sign_in("ada", new).status_code == 401


def test_a_token_for_the_command_line_by_password(mlp: System) -> None:
    client = mlp.app.test_client()
    body = {"account": "ada", "password": PASSWORD, "name": "laptop", "hours": 1}
    made = client.post("/api/v1/login", json=body)
    assert made.status_code == 201
    secret = made.get_json()["secret"]
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert answer.get_json()["account"] == "ada"
    assert client.post("/api/v1/login", json={**body, "password": "wrong"}).status_code == 401


def test_secrets_are_stored_nowhere(mlp: System, caplog: pytest.LogCaptureFixture) -> None:
    """Passwords, sessions and tokens are found in no table and no log line."""
    canary = "canary-password-7f3a"
    root = mlp.caller("root")
    root.post("/accounts", {"name": "cara", "password": canary}, 201)
    root.patch("/accounts/cara", {"password": canary + "2"})
    browser = Browser(mlp)
    browser.sign_in("cara", canary + "2")
    secret = browser("POST", "/tokens", json={"name": "t"}).get_json()["secret"]
    root.post("/accounts", {"name": "X", "password": canary}, 422)
    from sqlalchemy import text

    from controlplane.tables import Base

    with mlp.runtime.engine.connect() as connection:
        for table in Base.metadata.tables:
            rows = connection.execute(text(f"SELECT t::text FROM {table} t")).scalars()  # noqa: S608
            for row in rows:
                assert not any(hidden in row for hidden in (canary, secret, browser.cookie)), table
    assert not any(hidden in caplog.text for hidden in (canary, secret, browser.cookie))
