"""The REST API end to end, on a real PostgreSQL."""

from __future__ import annotations

import json

import pytest

from tests.contract.controlplane.conftest import SMALL, System

pytestmark = pytest.mark.contract


def test_a_tenant_is_ready_at_once(mlp: System) -> None:
    root = mlp.caller("root")
    body = {"slug": "vision", "title": "Vision", "quota": {"cpu": "4", "memory": "8Gi", "storage": "20Gi"}}
    made = root.post("/tenants", body, 201)
    assert made["state"] == "active"
    assert made["quota"] == {"cpu": "4", "memory": "8Gi", "storage": "20Gi", "pods": 50, "gpus": {}}
    assert made["allocated"]["cpu"] == "0"
    assert root.get("/tenants/vision") == made
    assert root.post("/tenants", body, 409)["code"] == "tenant-exists"
    assert [t["slug"] for t in root.get("/tenants")["items"]] == ["acme", "evil", "vision"]


def test_a_workspace_comes_to_life_and_goes(mlp: System) -> None:
    ada = mlp.caller("ada")
    change = ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    assert change["workspace"]["state"] == "creating"
    assert change["workspace"]["namespace"] == "ws-acme--lab"
    mlp.drain()
    operation = ada.get(f"/operations/{change['operation']}")
    assert operation["state"] == "succeeded"
    assert [s["name"] for s in operation["steps"]] == ["namespace", "objects", "storage"]
    assert all(s["state"] == "done" and s["ended_at"] for s in operation["steps"])
    lab = ada.get("/tenants/acme/workspaces/lab")
    assert (lab["state"], lab["owner"], lab["observed_generation"]) == ("ready", "ada", 1)
    assert lab["image"] == mlp.runtime.settings.facts.workspace_image
    assert {c["type"] for c in lab["conditions"]} == {"NamespaceReady", "ObjectsApplied", "Ready"}
    assert ada.get("/tenants/acme")["allocated"]["memory"] == "1Gi"

    ada.post("/tenants/acme/workspaces/lab/suspend", status=202)
    mlp.drain()
    assert ada.get("/tenants/acme/workspaces/lab")["state"] == "suspended"
    assert mlp.cluster.namespaces["ws-acme--lab"].suspended
    ada.post("/tenants/acme/workspaces/lab/resume", status=202)
    mlp.drain()
    assert ada.get("/tenants/acme/workspaces/lab")["state"] == "ready"

    first = ada.delete("/tenants/acme/workspaces/lab")
    again = ada.delete("/tenants/acme/workspaces/lab")
    assert first["operation"] == again["operation"]
    mlp.drain()
    ada.get("/tenants/acme/workspaces/lab", 404)
    assert mlp.cluster.namespaces == {}
    assert ada.get("/tenants/acme")["workspaces"] == 0


def test_a_workspace_is_changed_under_its_etag(mlp: System) -> None:
    ada = mlp.caller("ada")
    ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    mlp.drain()
    answer = ada("GET", "/tenants/acme/workspaces/lab")
    etag = answer.headers["ETag"]
    changed = ada.patch("/tenants/acme/workspaces/lab", {"quota": {**SMALL, "cpu": "2500m"}}, 202, **{"If-Match": etag})
    assert changed["workspace"]["quota"]["cpu"] == "2500m"
    assert changed["workspace"]["generation"] == 2
    stale = ada.patch("/tenants/acme/workspaces/lab", {"title": "Lab"}, 412, **{"If-Match": etag})
    assert stale["code"] == "stale"
    mlp.drain()
    assert mlp.cluster.namespaces["ws-acme--lab"].quota.cpu == 2500
    nothing = ada.patch("/tenants/acme/workspaces/lab", {"quota": {**SMALL, "cpu": "2500m"}}, 202)
    assert nothing["operation"] is None


def test_a_tenant_is_suspended_resumed_and_deleted_with_its_workspaces(mlp: System) -> None:
    root, ada = mlp.caller("root"), mlp.caller("ada")
    for name in ("one", "two"):
        ada.post("/tenants/acme/workspaces", {"name": name, "quota": SMALL}, 202)
    mlp.drain()
    operation = root.post("/tenants/acme/suspend", status=202)
    refused = ada.post("/tenants/acme/workspaces", {"name": "three", "quota": SMALL}, 403)
    assert refused["code"] == "tenant-suspended"
    mlp.drain()
    assert root.get(f"/operations/{operation['id']}")["state"] == "succeeded"
    assert {w["state"] for w in ada.get("/tenants/acme/workspaces")["items"]} == {"suspended"}
    root.post("/tenants/acme/resume", status=202)
    mlp.drain()
    assert {w["state"] for w in ada.get("/tenants/acme/workspaces")["items"]} == {"ready"}
    gone = root.delete("/tenants/acme")
    assert root.delete("/tenants/acme")["id"] == gone["id"]
    mlp.drain()
    assert root.get(f"/operations/{gone['id']}")["state"] == "succeeded"
    root.get("/tenants/acme", 404)
    ada.get("/tenants/acme", 404)
    assert mlp.cluster.namespaces == {}
    again = {"slug": "acme", "quota": {"cpu": "1", "memory": "1Gi", "storage": "1Gi"}}
    assert root.post("/tenants", again, 201)["members"] == 0


def test_every_finding_is_named_at_once(mlp: System) -> None:
    ada = mlp.caller("ada")
    body = {"name": "Not A Slug", "quota": {"cpu": 1, "memory": "1Zi"}, "tenant_id": "x"}
    problem = ada.post("/tenants/acme/workspaces?what=1", body, 422)
    pointers = {e["field"] for e in problem["errors"]}
    assert pointers == {
        "query.what", "body.name", "body.quota.cpu", "body.quota.memory", "body.quota.storage", "body.tenant_id",
    }  # fmt: skip


_MALFORMED = (
    (b'{"a": 1', 400, "not JSON"),
    (b'{"slug": "a", "slug": "b"}', 400, "twice"),
    (b'{"slug": NaN}', 400, "NaN"),
    (b'{"slug": 1e999}', 400, "too large"),
    (b'{"slug": "\\ud800"}', 400, "surrogate"),
    (b'{"slug": "\\u0000"}', 400, "NUL"),
    (b'{"slug": "\xff"}', 400, "UTF-8"),
    (b"[" * 5000 + b"]" * 5000, 400, "deeper"),
    (b"[" * 200_000, 400, ""),
    (b'"{\\"slug\\": \\"x\\"}"', 422, "body"),
    (b"", 422, "missing"),
    (b" " * 300_000, 413, ""),
)


def test_malformed_bodies_are_refused(mlp: System) -> None:
    root = mlp.caller("root")
    for raw, status, words in _MALFORMED:
        answer = root("POST", "/tenants", data=raw, content_type="application/json")
        assert answer.status_code == status, raw[:40]
        assert answer.content_type == "application/problem+json"
        assert words in answer.get_json()["detail"]


def test_wrong_type_method_and_address_get_problems(mlp: System) -> None:
    root = mlp.caller("root")
    text = root("POST", "/tenants", data="slug=x", content_type="text/plain")
    method = root("PUT", "/tenants")
    got = root("GET", "/session")
    address = root("GET", "/nothing/here")
    assert [a.status_code for a in (text, method, got, address)] == [415, 405, 405, 404]
    assert all(a.content_type == "application/problem+json" for a in (text, method, got, address))
    assert method.headers["Allow"] == "GET, POST, HEAD"
    assert got.headers["Allow"] == "POST, DELETE"


def test_the_same_idempotency_key_gives_the_first_answer(mlp: System) -> None:
    ada = mlp.caller("ada")
    body = {"name": "lab", "quota": SMALL}
    key = {"Idempotency-Key": "k-1"}
    first = ada("POST", "/tenants/acme/workspaces", json=body, headers=key)
    second = ada("POST", "/tenants/acme/workspaces", json=body, headers=key)
    assert first.status_code == second.status_code == 202
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    other = ada.post("/tenants/acme/workspaces", {**body, "name": "other"}, 409, **key)
    assert other["code"] == "idempotency-key-reused"
    tokens = [ada.post("/tokens", {"name": "x"}, 201, **key)["secret"] for _ in range(2)]
    assert tokens[0] != tokens[1], "an answer with a secret is never kept"


def test_lists_come_in_pages(mlp: System) -> None:
    root = mlp.caller("root")
    for n in range(5):
        root.post("/tenants", {"slug": f"t{n}", "quota": SMALL}, 201)
    seen, cursor = [], ""
    while True:
        page = root.get(f"/tenants?limit=3&search=t{cursor}")
        seen += [t["slug"] for t in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["t0", "t1", "t2", "t3", "t4"]
    for wrong in ("x", "bm8", "WyJhIiwiYiJd", "%00"):
        root.get(f"/tenants?cursor={wrong}", 422)


def test_the_audit_trail_is_kept_proven_and_exported(mlp: System) -> None:
    root, ada = mlp.caller("root"), mlp.caller("ada")
    ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    mlp.drain()
    events = ada.get("/tenants/acme/audit")["items"]
    made = next(e for e in events if e["action"] == "workspace.create")
    assert (made["actor"], made["object"], made["outcome"]) == ("user:ada", "workspace/acme/lab", "done")
    assert made["credential"].startswith("token:")
    proof = ada.get("/tenants/acme/audit/verify")
    assert proof["intact"]
    assert proof["events"] == len(events)
    lines = ada("GET", "/tenants/acme/audit/export").text.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(events) + 1))
    assert root.get("/audit/verify")["intact"]
    ada.get("/audit", 404)


def test_an_operation_streams_its_events(mlp: System) -> None:
    ada = mlp.caller("ada")
    change = ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    mlp.drain()
    answer = ada("GET", f"/operations/{change['operation']}/events")
    assert answer.content_type.startswith("text/event-stream")
    names = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names == ["operation", "end"]


def test_the_openapi_document_describes_every_address(mlp: System) -> None:
    document = mlp.app.test_client().get("/api/v1/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    routes = {
        (rule.rule.replace("<", "{").replace(">", "}"), method)
        for rule in mlp.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "api.openapi"
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert described == routes
