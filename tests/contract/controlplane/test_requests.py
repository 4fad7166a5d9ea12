"""Asking, the tenant's rules, and the answers of approvers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from controlplane.requests.repository import by_id
from controlplane.requests.service import expire
from controlplane.runtime import system, utc_now
from tests.contract.controlplane.conftest import SMALL, System

pytestmark = pytest.mark.contract
BIG = {"cpu": "8", "memory": "8Gi", "storage": "8Gi", "pods": 10}


def _workspace(name: str, quota: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"want": {"kind": "workspace", "workspace": {"name": name, "quota": quota or SMALL}}, "reason": "to work"}


def test_a_member_asks_and_an_admin_approves(mlp: System) -> None:
    ada, mo = mlp.caller("ada"), mlp.caller("mo")
    preview = mo.post("/tenants/acme/requests/preview", _workspace("lab")["want"])
    assert preview["outcome"] == "needs-approval"
    asked = mo.post("/tenants/acme/requests", _workspace("lab"), 201)
    assert (asked["state"], asked["approvers"], asked["can_decide"], asked["fits"]) == (
        "pending", "tenant-admins", False, True,
    )  # fmt: skip
    assert asked["summary"] == "workspace lab: 1 cores, 1Gi memory, 1Gi storage"
    mo.post(f"/requests/{asked['id']}/approve", {"reason": "I say so"}, 403)
    waiting = ada.get("/requests?decidable=true")["items"]
    assert [r["id"] for r in waiting] == [asked["id"]]
    assert waiting[0]["can_decide"]
    done = ada.post(f"/requests/{asked['id']}/approve", {"reason": "welcome"})
    assert (done["state"], done["decided_by"], done["decision_reason"]) == ("approved", "ada", "welcome")
    mlp.drain()
    lab = mo.get("/tenants/acme/workspaces/lab")
    assert (lab["state"], lab["owner"]) == ("ready", "mo")
    assert ada.post(f"/requests/{asked['id']}/reject", {"reason": "no"}, 409)["code"] == "request-decided"
    assert [t["rule"] for t in done["trace"]] == ["always", "approver"]


def test_rules_grant_small_things_at_once(mlp: System) -> None:
    root, mo = mlp.caller("root"), mlp.caller("mo")
    root.patch("/tenants/acme", {"rules": {"auto_approve_quota": SMALL, "auto_approve_workspaces": 1}})
    granted = mo.post("/tenants/acme/requests", _workspace("one"), 201)
    assert (granted["state"], granted["decided_by"]) == ("approved", "rule:auto-approve")
    assert granted["operation"]
    assert mo.post("/tenants/acme/requests", _workspace("two"), 201)["state"] == "pending"
    assert mo.post("/tenants/acme/requests", _workspace("big", BIG), 201)["state"] == "pending"
    root.patch("/tenants/acme", {"rules": {"self_service": False}})
    assert mo.post("/tenants/acme/requests", _workspace("three"), 403)["code"] == "self-service-off"


def test_what_has_no_room_waits_and_is_refused_until_there_is(mlp: System) -> None:
    ada, mo, root = mlp.caller("ada"), mlp.caller("mo"), mlp.caller("root")
    huge = mo.post("/tenants/acme/requests", _workspace("huge", {**BIG, "cpu": "21"}), 201)
    assert not huge["fits"]
    assert ada.post(f"/requests/{huge['id']}/approve", {"reason": "ok"}, 403)["code"] == "quota"
    assert ada.get(f"/requests/{huge['id']}")["state"] == "pending"
    quota = {"kind": "quota", "quota": {"cpu": "40", "memory": "80Gi", "storage": "100Gi", "pods": 300}}
    more = ada.post("/tenants/acme/requests", {"want": quota, "reason": "growing"}, 201)
    assert (more["state"], more["approvers"]) == ("pending", "platform-admins")
    ada.post(f"/requests/{more['id']}/approve", {"reason": "me"}, 403)
    assert root.post(f"/requests/{more['id']}/approve", {"reason": "fine"})["state"] == "approved"
    assert ada.post(f"/requests/{huge['id']}/approve", {"reason": "ok"})["state"] == "approved"


def test_every_kind_is_carried_out(mlp: System) -> None:
    ada, mo, root = mlp.caller("ada"), mlp.caller("mo"), mlp.caller("root")
    mlp.account("new")
    ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    mlp.drain()
    wants = [
        ({"kind": "member", "subject": "new", "role": "viewer"}, ada),
        ({"kind": "quota", "workspace": "lab", "quota": BIG}, ada),
        ({"kind": "exception", "workspace": "lab", "exception": "internet"}, root),
    ]
    for want, approver in wants:
        asked = mo.post("/tenants/acme/requests", {"want": want, "reason": "please"}, 201)
        assert asked["state"] == "pending"
        approver.post(f"/requests/{asked['id']}/approve", {"reason": "ok"})
    mlp.drain()
    lab = mo.get("/tenants/acme/workspaces/lab")
    assert (lab["internet"], lab["quota"]["cpu"]) == (True, "8")
    assert mlp.cluster.namespaces["ws-acme--lab"].internet
    assert mlp.caller("new").get("/me")["tenants"][0]["role"] == "viewer"
    for wrong in (
        {"kind": "quota", "workspace": "nothere", "quota": BIG},
        {"kind": "member", "subject": "nothere", "role": "viewer"},
    ):
        mo.post("/tenants/acme/requests", {"want": wrong, "reason": "x"}, 422)


def test_requests_are_rejected_withdrawn_and_expire(mlp: System) -> None:
    ada, mo, eve = mlp.caller("ada"), mlp.caller("mo"), mlp.caller("eve")
    ids = [mo.post("/tenants/acme/requests", _workspace(f"w{n}"), 201)["id"] for n in range(3)]
    assert ada.post(f"/requests/{ids[0]}/reject", {"reason": "not now"})["decision_reason"] == "not now"
    ada.post(f"/requests/{ids[1]}/withdraw", status=403)
    assert mo.post(f"/requests/{ids[1]}/withdraw")["state"] == "withdrawn"
    eve.get(f"/requests/{ids[2]}", 404)
    assert eve.get("/requests")["items"] == []
    later = utc_now() + timedelta(days=15)
    mlp.runtime.clock = lambda: later
    with mlp.runtime.work(system("test")) as work:
        assert expire(work) == 1
    with mlp.runtime.work(system("test")) as work:
        row = by_id(work.session, UUID(ids[2]))
        assert row is not None
        assert row.state == "expired"
