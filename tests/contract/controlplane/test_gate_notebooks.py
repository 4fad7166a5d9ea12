"""What the hub of notebooks is told about people, and that pods do not get to it."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from controlplane.app import create_app
from controlplane.gate.notebooks import HEADER
from tests.contract.controlplane.conftest import GATEWAY_SECRET, System
from tests.contract.controlplane.test_gate import Gateway, _lab

pytestmark = pytest.mark.contract
SECRET = "test-only-people-secret"


class Hub:
    def __init__(self, mlp: System, secret: str | None = SECRET) -> None:
        settings = mlp.runtime.settings.model_copy(update={"people_secret": None})
        if secret is not None:
            settings = type(settings).model_validate({**settings.model_dump(), "people_secret": secret})
        runtime = mlp.runtime
        runtime.settings = settings
        self.client = create_app(settings, runtime=runtime).test_client(use_cookies=False)

    def __call__(self, account: str, **headers: str) -> TestResponse:
        return self.client.get(f"/internal/people/{account}", headers={HEADER: SECRET, **headers})


def test_the_hub_learns_a_persons_groups_as_they_are_now(mlp: System) -> None:
    hub = Hub(mlp)
    answer = hub("mo")
    assert (answer.status_code, answer.headers["X-Remote-User"]) == (200, "user:mo")
    assert answer.headers["X-Remote-Groups"] == "tenant:acme:member"
    mlp.member("evil", "mo", "viewer")  # type: ignore[arg-type]
    assert hub("mo").headers["X-Remote-Groups"] == "tenant:acme:member|tenant:evil:viewer"
    ada = mlp.caller("ada")
    member = next(each for each in ada.get("/tenants/acme/members")["items"] if each["subject"] == "mo")
    ada.delete(f"/tenants/acme/members/{member['id']}", 204)
    assert hub("mo").headers["X-Remote-Groups"] == "tenant:evil:viewer"


def test_nobody_but_the_hub_is_told(mlp: System) -> None:
    hub = Hub(mlp)
    for secret in ("", "wrong", GATEWAY_SECRET, SECRET + "x", "ü"):
        answer = hub("mo", **{HEADER: secret})
        assert (answer.status_code, answer.headers["X-Mlp-Reason"]) == (403, "not-the-hub")
        assert "X-Remote-User" not in answer.headers
    assert Hub(mlp, None)("mo", **{HEADER: "None"}).status_code == 403
    assert Hub(mlp, None)("mo", **{HEADER: ""}).status_code == 403


def test_who_is_gone_is_nobody(mlp: System) -> None:
    hub, root = Hub(mlp), mlp.caller("root")
    assert hub("nobody").status_code == 404
    root.patch("/accounts/mo", {"disabled": True})
    assert hub("mo").headers["X-Mlp-Reason"] == "no-such-account"
    root.post("/tenants/evil/suspend", status=202)
    assert hub("eve").headers["X-Mlp-Reason"] == "tenant-suspended"


def test_pods_do_not_get_to_the_hub(mlp: System) -> None:
    gateway = Gateway(mlp)
    _lab(mlp)
    refused = gateway.token("pod", X_Original_URI="/notebooks/hub/api/user")
    assert (refused.status_code, refused.headers["X-Mlp-Reason"]) == (403, "not-a-person")
    assert gateway.token("pod", X_Original_URI="/mlflow/").status_code == 200
    assert gateway.token(mlp.token("mo"), X_Original_URI="/notebooks/hub/api/user").status_code == 200
