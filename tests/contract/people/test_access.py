"""People at the Kubernetes API with their platform identity: what they may, and whom the API server sees."""

from __future__ import annotations

import json
import time
from http.client import HTTPSConnection
from typing import Any

import pytest

from components.names import Role
from controlplane.auth.model import Scope
from tests.contract.people.conftest import Front
from tests.servers.gateway import program

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(180),
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]
APPLY = "application/apply-patch+yaml"


def config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def test_a_person_is_one_user_in_their_tenants_groups(front: Front) -> None:
    front.system.member(front.other, "mo", Role.VIEWER)
    seen = front.who(front.system.token("mo"))
    assert seen["username"] == "mlp:person"
    theirs = {f"tenant:{front.tenant}:member", f"tenant:{front.other}:viewer"}
    assert set(seen["groups"]) == {"system:authenticated", *theirs}
    assert seen["extra"] == {"mlp.io/account": ["mo"]}


def test_roles_decide_what_people_may(front: Front) -> None:
    own, foreign = f"/api/v1/namespaces/{front.namespace}", f"/api/v1/namespaces/{front.foreign}"
    ada, mo, vi, eve = (front.system.token(name) for name in ("ada", "mo", "vi", "eve"))
    for token in (ada, mo, vi):
        assert front.ask(token, "GET", f"{own}/pods")[0] == 200
        assert front.ask(token, "GET", f"{foreign}/pods")[0] == 403
        for path in ("/api/v1/pods", "/api/v1/namespaces", "/api/v1/nodes", "/api/v1/namespaces/kube-system/secrets"):
            assert front.ask(token, "GET", path)[0] == 403, path
    made = config_map(front.namespace, "settings", a="1")
    code, refused = front.ask(vi, "POST", f"{own}/configmaps", made)
    assert (code, refused["reason"]) == (403, "Forbidden")
    assert 'User "mlp:person" cannot create resource "configmaps"' in refused["message"]
    assert front.ask(eve, "POST", f"{own}/configmaps", made)[0] == 403
    assert front.ask(mo, "POST", f"{own}/configmaps", made)[0] == 201
    path = f"{own}/configmaps/settings?fieldManager=helm&force=true"
    code, applied = front.ask(mo, "PATCH", path, config_map(front.namespace, "settings", b="2"), APPLY)
    assert (code, applied["data"]) == (200, {"a": "1", "b": "2"})
    role = {"metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{front.namespace}/roles"
    assert front.ask(mo, "POST", roles, role)[0] == 403
    assert front.ask(ada, "POST", roles, role)[0] == 201


def test_discovery_is_open_and_reviews_know_all_groups(front: Front) -> None:
    token = front.system.token("vi")
    for path in ("/api", "/apis", "/version", "/openapi/v2", "/openapi/v3", "/api/v1"):
        assert front.ask(token, "GET", path)[0] == 200, path
    review = {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": front.namespace, "verb": "list", "resource": "pods"}},
    }  # fmt: skip
    code, answer = front.ask(token, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    assert (code, answer["status"]["allowed"]) == (201, True)


def test_who_loses_a_right_loses_it_with_the_next_call(front: Front) -> None:
    pods = f"/api/v1/namespaces/{front.namespace}/pods"
    mo, root = front.system.token("mo"), front.system.caller("root")
    assert front.ask(mo, "GET", pods)[0] == 200
    members = f"/tenants/{front.tenant}/members"
    (row,) = (found for found in root.get(members)["items"] if found["subject"] == "mo")
    root.patch(f"{members}/{row['id']}", {"role": "viewer"}, 200)
    assert front.ask(mo, "POST", pods, {})[0] == 403
    root.delete(f"{members}/{row['id']}", 204)
    code, answer = front.ask(mo, "GET", pods)
    assert (code, "belongs to no tenant" in answer["message"]) == (403, True)
    vi = front.system.caller("vi")
    assert front.ask(vi.secret, "GET", pods)[0] == 200
    (token,) = vi.get("/tokens")["items"]
    vi.delete(f"/tokens/{token['id']}", 204)
    code, answer = front.ask(vi.secret, "GET", pods)
    assert (code, answer["kind"], answer["reason"]) == (401, "Status", "Unauthorized")


def test_the_suspended_are_told_so(front: Front) -> None:
    pods = f"/api/v1/namespaces/{front.namespace}/pods"
    ada, root, eve = front.system.token("ada"), front.system.caller("root"), front.system.token("eve")
    root.post(f"/tenants/{front.tenant}/workspaces/lab/suspend", status=202)
    code, answer = front.ask(ada, "GET", pods)
    assert (code, answer["message"]) == (403, "the workspace is suspended; an admin of its tenant can resume it")
    assert "suspended" not in front.ask(eve, "GET", pods)[1]["message"], "others learn nothing of it"
    root.post(f"/tenants/{front.tenant}/workspaces/lab/resume", status=202)
    root.post(f"/tenants/{front.tenant}/suspend", status=202)
    for path in (pods, "/version"):
        code, answer = front.ask(ada, "GET", path)
        assert (code, answer["message"]) == (403, "the tenant is suspended; a platform administrator can resume it")
    front.system.member(front.other, "ada", Role.VIEWER)
    assert front.ask(ada, "GET", pods)[0] == 403
    assert front.ask(ada, "GET", f"/api/v1/namespaces/{front.foreign}/pods")[0] == 200
    assert f"tenant:{front.tenant}:admin" not in front.who(ada)["groups"]
    front.drain()
    groups = _speaks_for(front)
    assert f"tenant:{front.tenant}:admin" not in groups, "and the list of groups forgets them"
    assert f"tenant:{front.other}:viewer" in groups
    root.post(f"/tenants/{front.tenant}/resume", status=202)
    front.drain()
    assert f"tenant:{front.tenant}:admin" in _speaks_for(front)
    front.settle(front.tenant)
    front.world.settle_rights(front.tenant, front.namespace)
    assert front.ask(ada, "GET", pods)[0] == 200


def _speaks_for(front: Front) -> list[str]:
    role = front.world.server.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/mlp-people")
    return [name for rule in role["rules"] if rule["resources"] == ["groups"] for name in rule["resourceNames"]]


def test_tokens_reach_what_they_were_made_for(front: Front) -> None:
    front.system.member(front.other, "mo", Role.VIEWER)
    mo = front.system.caller("mo")
    narrow = mo.post("/tokens", {"name": "narrow", "tenant": front.other}, 201)["secret"]
    assert front.ask(narrow, "GET", f"/api/v1/namespaces/{front.foreign}/pods")[0] == 200
    assert front.ask(narrow, "GET", f"/api/v1/namespaces/{front.namespace}/pods")[0] == 403
    assert set(front.who(narrow)["groups"]) == {"system:authenticated", f"tenant:{front.other}:viewer"}
    others = front.system.token("mo", scopes=(Scope.READ, Scope.WRITE, Scope.TRACKING))
    code, answer = front.ask(others, "GET", "/version")
    assert code == 403
    assert answer["message"].startswith("this token lacks the scope kubernetes")
    only = front.system.token("mo", scopes=(Scope.KUBERNETES,))
    assert front.ask(only, "GET", f"/api/v1/namespaces/{front.namespace}/pods")[0] == 200
    assert front.send(only, "GET", "/api/v1/tenants")[0].status == 403


def test_administrators_of_the_platform_are_none_of_the_cluster(front: Front) -> None:
    root = front.system.token("root")
    code, answer = front.ask(root, "GET", "/api/v1/namespaces")
    assert (code, "belongs to no tenant" in answer["message"]) == (403, True)
    front.system.member(front.tenant, "root", Role.VIEWER)
    assert set(front.who(root)["groups"]) == {"system:authenticated", f"tenant:{front.tenant}:viewer"}
    assert front.ask(root, "GET", "/api/v1/namespaces")[0] == 403


def test_pods_and_strangers_are_sent_away(front: Front) -> None:
    pod = front.world.server.service_account_token(front.namespace, "workload", audiences=["mlp"])
    code, answer = front.ask(pod, "GET", "/version")
    assert (code, answer["message"]) == (403, "pods reach the API server themselves, at https://kubernetes.default.svc")
    administrator = front.world.server.service_account_token("kube-system", "default")
    assert front.ask(administrator, "GET", "/version")[0] == 403
    for token in ("", "mlp_unknown"):
        answer, text = front.send(token, "GET", "/kubernetes/version")
        assert (answer.status, json.loads(text)["kind"]) == (401, "Status")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mlp"'


def test_of_many_tenants_one_has_to_be_chosen(front: Front) -> None:
    slugs = [f"{front.tenant}-{number}" for number in range(40)]
    for slug in slugs[:31]:
        front.system.tenant(slug)
        front.system.member(slug, "mo", Role.MEMBER)
    mo = front.system.caller("mo")
    assert front.people.keep()
    front.settle(*slugs[:31])
    assert len(front.who(mo.secret)["groups"]) == 33
    front.system.tenant(slugs[31])
    front.system.member(slugs[31], "mo", Role.MEMBER)
    code, answer = front.ask(mo.secret, "GET", "/api")
    assert code == 403
    assert "use a token for one tenant: platform token create --tenant TENANT" in answer["message"]
    assert front.ask(mo.secret, "GET", f"/api/v1/namespaces/{front.namespace}/pods")[0] == 200
    narrow = mo.post("/tokens", {"name": "narrow", "tenant": front.tenant}, 201)["secret"]
    assert front.ask(narrow, "GET", "/api")[0] == 200


def test_a_watch_tells_at_once(front: Front) -> None:
    token = front.system.token("mo")
    path = f"/kubernetes/api/v1/namespaces/{front.namespace}/configmaps?watch=true&labelSelector=a%2Fb%3Dc"
    connection = HTTPSConnection("localhost", front.gateway.port, context=front.gateway.context, timeout=20)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status == 200
    for number in range(3):
        made = config_map(front.namespace, f"watched-{number}")
        made["metadata"]["labels"] = {"a/b": "c"}
        began = time.monotonic()
        assert front.ask(token, "POST", f"/api/v1/namespaces/{front.namespace}/configmaps", made)[0] == 201
        event = json.loads(answer.readline())
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", f"watched-{number}")
        assert time.monotonic() - began < 15, "nothing on the way keeps it back"
    connection.close()
