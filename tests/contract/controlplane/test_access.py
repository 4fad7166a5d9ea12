"""Who may do what through the API, as everybody, with what hides and what refuses."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.auth.model import Scope
from controlplane.http.endpoint import Endpoint
from tests.contract.controlplane.conftest import SMALL, Caller, System

pytestmark = pytest.mark.contract
NOBODY = "00000000-0000-4000-8000-000000000000"


def _body(endpoint: Endpoint) -> Any:
    bodies: dict[str, Any] = {
        "update_tenant": {"title": "x"},
        "create_workspace": {"name": "new", "quota": SMALL},
        "update_workspace": {"title": "x"},
        "add_member": {"subject": "eve", "role": "admin"},
        "update_member": {"role": "viewer"},
        "create_request": {"want": {"kind": "workspace", "workspace": {"name": "new", "quota": SMALL}}, "reason": "x"},
        "preview_request": {"kind": "workspace", "workspace": {"name": "new", "quota": SMALL}},
        "approve_request": {"reason": "x"},
        "reject_request": {"reason": "x"},
        "create_promotion": {"model": "sales", "version": 1},
        "approve_promotion": {"reason": "x"},
        "reject_promotion": {"reason": "x"},
        "set_promotion_rule": {},
    }
    return bodies.get(endpoint.name)


def test_everything_of_another_tenant_looks_as_if_it_were_not_there(mlp: System) -> None:
    """Every address with an id of acme, as eve of evil, answers exactly as for an id that does not exist."""
    ada, mo = mlp.caller("ada"), mlp.caller("mo")
    change = ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    member = ada.get("/tenants/acme/members")["items"][0]["id"]
    want = {"kind": "workspace", "workspace": {"name": "second", "quota": SMALL}}
    request = mo.post("/tenants/acme/requests", {"want": want, "reason": "please"}, 201)["id"]
    token = ada.get("/tokens")["items"][0]["id"]
    real = {
        "tenant": "acme", "workspace": "lab", "member": member, "request": request, "token": token,
        "operation": change["operation"], "account": "ada", "kind": "job", "name": "nightly", "model": "sales",
        "promotion": NOBODY, "rule": NOBODY,
    }  # fmt: skip
    absent = {**dict.fromkeys(real, NOBODY), "tenant": "nothere", "workspace": "nothere", "account": "nothere"}
    absent |= {"kind": "job", "model": "nothere", "name": "nothere"}
    from controlplane.app import APIS

    eve = mlp.caller("eve")
    checked = 0
    for endpoint in (e for api in APIS for e in api.endpoints if "{" in e.path):
        options: dict[str, Any] = {"json": _body(endpoint)} if _body(endpoint) is not None else {}
        if endpoint.name == "get_lineage":
            options["query_string"] = {"run": "r1"}
        if endpoint.body is not None and not options:
            options = {"json": {}}
        answers = [eve(endpoint.method, endpoint.path.format(**ids), **options) for ids in (real, absent)]
        assert [a.status_code for a in answers] == [404, 404], (endpoint.name, answers[0].text)
        one, other = (a.get_json() for a in answers)
        assert {**one, "instance": "", "request_id": ""} == {**other, "instance": "", "request_id": ""}
        checked += 1
    assert checked > 25
    assert ada.get("/tenants/acme/audit/verify")["intact"]


@pytest.mark.parametrize(
    ("who", "expected"),
    [("vi", 403), ("mo", 403), ("ada", 202), ("eve", 404), ("root", 202)],
)
def test_who_creates_workspaces(mlp: System, who: str, expected: int) -> None:
    mlp.caller(who).post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, expected)


def test_a_refusal_is_audited_and_says_who_may(mlp: System) -> None:
    refused = mlp.caller("vi").delete("/tenants/acme", 403)
    assert "platform admin" in refused["detail"]
    event = mlp.caller("ada").get("/tenants/acme/audit")["items"][0]
    assert (event["actor"], event["action"], event["outcome"]) == ("user:vi", "tenant.delete", "refused")


def test_only_platform_admins_change_limits_and_accounts(mlp: System) -> None:
    ada, root = mlp.caller("ada"), mlp.caller("root")
    assert ada.patch("/tenants/acme", {"title": "Acme Inc"})["title"] == "Acme Inc"
    ada.patch("/tenants/acme", {"quota": SMALL}, 403)
    ada.patch("/tenants/acme", {"rules": {"auto_approve_workspaces": 9}}, 403)
    ada.post("/tenants", {"slug": "mine", "quota": SMALL}, 404)
    ada.get("/accounts", 404)
    ada.post("/accounts", {"name": "zed", "password": "long enough password"}, 404)
    ada.patch("/accounts/ada", {"platform_admin": True}, 404)
    made = root.post("/accounts", {"name": "zed", "password": "long enough password"}, 201)
    assert "password" not in made
    assert root.patch("/accounts/root", {"disabled": True}, 403)["code"] == "last-admin"


def test_mass_assignment_is_refused(mlp: System) -> None:
    ada = mlp.caller("ada")
    for extra in (
        {"tenant_id": "x"},
        {"state": "ready"},
        {"owner": "eve"},
        {"internet": True},
        {"namespace": "kube-system"},
    ):
        ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL, **extra}, 422)
    ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    ada.patch("/tenants/acme/workspaces/lab", {"internet": True}, 403)


def test_slug_tricks_are_refused(mlp: System) -> None:
    root = mlp.caller("root")
    for slug in ["Acme", "a--b", "a-", "-a", "\u0430", "a" * 25, "..", "a/b", "kube_system", "1a", "a\n", ""]:
        root.post("/tenants", {"slug": slug, "quota": SMALL}, 422)


def test_a_token_reaches_no_further_than_its_scopes_and_tenant(mlp: System) -> None:
    ada = mlp.caller("ada")
    reader = Caller(ada.client, ada.post("/tokens", {"name": "r", "scopes": ["read"]}, 201)["secret"])
    reader.get("/tenants/acme")
    reader.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 403)
    reader.post("/tokens", {"name": "more", "scopes": ["write"]}, 404)
    tracker = Caller(ada.client, mlp.token("ada", scopes=(Scope.TRACKING,)))
    assert tracker("GET", "/tenants/acme").status_code in (403, 404)

    root = mlp.caller("root")
    narrow = Caller(root.client, root.post("/tokens", {"name": "n", "tenant": "acme"}, 201)["secret"])
    narrow.get("/tenants/acme")
    narrow.get("/tenants/evil", 404)
    assert [t["slug"] for t in narrow.get("/tenants")["items"]] == ["acme"]
    narrow.get("/accounts", 404)
    narrow.get("/audit", 404)
    wide = narrow.post("/tokens", {"name": "wide"}, 201)
    assert wide["token"]["tenant"] == "acme"
    narrow.post("/tokens", {"name": "late", "expires_at": "2039-01-01T00:00:00Z"}, 422)


def test_tokens_end_by_revocation_expiry_and_with_the_account(mlp: System) -> None:
    ada, root = mlp.caller("ada"), mlp.caller("root")
    made = ada.post("/tokens", {"name": "x"}, 201)
    other = Caller(ada.client, made["secret"])
    other.get("/me")
    ada.delete(f"/tokens/{made['token']['id']}", 204)
    assert other("GET", "/me").status_code == 401
    ada.post("/tokens", {"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, 422)
    root.patch("/accounts/ada", {"disabled": True})
    assert ada("GET", "/me").status_code == 401
    for wrong in ("mlp_", "mlp_x", "", "x" * 5000):
        assert Caller(ada.client, wrong)("GET", "/me").status_code == 401


def test_a_change_of_role_acts_at_the_next_call(mlp: System) -> None:
    ada, mo = mlp.caller("ada"), mlp.caller("mo")
    member = next(m for m in ada.get("/tenants/acme/members")["items"] if m["subject"] == "mo")
    ada.patch(f"/tenants/acme/members/{member['id']}", {"role": "admin"})
    mo.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    ada.delete(f"/tenants/acme/members/{member['id']}", 204)
    mo.get("/tenants/acme", 404)


def test_a_group_gives_its_role(mlp: System) -> None:
    root = mlp.caller("root")
    mlp.account("gus", groups=("data-team",))
    mlp.caller("ada").post("/tenants/acme/members", {"kind": "group", "subject": "data-team", "role": "member"}, 201)
    gus = mlp.caller("gus")
    assert gus.get("/me")["tenants"][0]["role"] == "member"
    root.patch("/accounts/gus", {"groups": []})
    gus.get("/tenants/acme", 404)
