"""The whole path on a real API server: service, operation, runner, reconcile, watch, repair."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from components.names import Role
from controlplane.app import create_app
from controlplane.gate.serving import EndpointGate
from controlplane.kube import resources
from controlplane.operations.repository import due
from controlplane.operations.runner import Runner
from controlplane.reconcile.model import Drift
from controlplane.reconcile.service import Reconciler
from controlplane.reconcile.watch import DriftWatcher
from controlplane.watcher import Watcher
from controlplane.wiring import KubeReviewer
from controlplane.worker import handlers
from tests.contract.controlplane.cluster import wait_until
from tests.contract.controlplane.conftest import GATEWAY_SECRET, System
from tests.contract.reconcile.world import FACTS, RememberedStorage, World, some_slug
from tests.servers.kubernetes import KubernetesServer

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]
QUOTA = {"cpu": "2", "memory": "4Gi", "storage": "4Gi", "pods": 10}


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, Path(tmp_path_factory.mktemp("world")))
    yield made
    made.close()


@pytest.fixture
def real(mlp: System, world: World) -> Iterator[tuple[System, Reconciler]]:
    reconciler = Reconciler(world.control_plane, RememberedStorage(), FACTS)
    mlp.runner = Runner(mlp.runtime, handlers(reconciler), "test-worker")
    yield mlp, reconciler
    mlp.runner.heart.stop()
    reconciler.close()


def test_a_workspace_is_made_repaired_and_deleted(real: tuple[System, Reconciler], world: World) -> None:
    mlp, reconciler = real
    slug = some_slug("t")
    root = mlp.caller("root")
    root.post("/tenants", {"slug": slug, "quota": QUOTA}, 201)
    change = root.post(f"/tenants/{slug}/workspaces", {"name": "lab", "quota": QUOTA}, 202)
    namespace = change["workspace"]["namespace"]
    mlp.drain()
    operation = root.get(f"/operations/{change['operation']}")
    assert operation["state"] == "succeeded", operation
    assert operation["result"]["requests"] <= 35
    assert root.get(f"/tenants/{slug}/workspaces/lab")["state"] == "ready"
    found = world.admin.get(resources.NAMESPACE, None, namespace)
    assert found["metadata"]["labels"]["mlp.io/tenant"] == slug

    watcher = Watcher(mlp.runtime, reconciler, lambda: DriftWatcher(world.control_plane, watcher.on_drift))
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        policies = world.admin.resource("networking.k8s.io/v1", "NetworkPolicy")
        wait_until(lambda: watcher._watch is not None and watcher._watch.wait_synced(1.0))  # type: ignore[attr-defined]
        world.admin.delete(policies, namespace, "default-deny")

        def repaired() -> bool:
            mlp.drain()
            return world.admin.find(policies, namespace, "default-deny") is not None

        wait_until(repaired)
    finally:
        watcher.stop()
        thread.join(30)
    events = root.get(f"/tenants/{slug}/audit?action=workspace.drift")["items"]
    assert events, "who changed it is on record"
    assert events[0]["actor"] in ("system:worker", "system:watcher")

    gone = root.delete(f"/tenants/{slug}")

    def deleted() -> bool:
        mlp.drain()
        with mlp.runtime.work() as work:
            mlp.queue.sent += [o for o, _ in due(work.session, work.now, work.now)]
        return bool(root.get(f"/operations/{gone['id']}")["state"] == "succeeded")

    wait_until(deleted, 90)
    assert world.admin.find(resources.NAMESPACE, None, namespace) is None
    root.get(f"/tenants/{slug}", 404)


def test_drift_is_reported_once_while_it_is_being_repaired(mlp: System) -> None:
    root = mlp.caller("root")
    root.post("/tenants/acme/workspaces", {"name": "lab", "quota": QUOTA}, 202)
    mlp.drain()
    watcher = Watcher(mlp.runtime, mlp.cluster)
    drift = Drift("ws-acme--lab", "NetworkPolicy/default-deny", "kubectl", ("(deleted)",))
    mlp.cluster.drifted["ws-acme--lab"] = drift
    for _ in range(5):
        watcher.on_drift(drift)
    watcher.resync()
    watcher.on_drift(Drift("kube-system", "ConfigMap/x", "kubectl", ("data",)))
    assert len(mlp.queue.sent) == 1
    mlp.drain()
    repairs = root.get("/operations?tenant=acme&workspace=lab&kind=workspace.repair")["items"]
    assert len(repairs) == 1
    assert repairs[0]["result"]["drift"][0]["manager"] == "kubectl"
    watcher.resync()
    assert mlp.queue.sent == [], "nothing to do means nothing done"


def test_a_pod_is_known_by_a_token_made_for_us(real: tuple[System, Reconciler], world: World) -> None:
    mlp, _ = real
    root, slug = mlp.caller("root"), some_slug("t")
    root.post("/tenants", {"slug": slug, "quota": QUOTA}, 201)
    change = root.post(f"/tenants/{slug}/workspaces", {"name": "lab", "quota": QUOTA}, 202)
    mlp.drain()
    namespace = change["workspace"]["namespace"]
    app = create_app(mlp.runtime.settings, runtime=mlp.runtime, reviewer=KubeReviewer(world.control_plane))
    client = app.test_client(use_cookies=False)

    def authorize(where: str, account: str, audiences: list[str]) -> TestResponse:
        token = world.server.service_account_token(where, account, audiences=audiences)
        headers = {"Authorization": f"Bearer {token}", "X-Mlp-Gateway-Secret": GATEWAY_SECRET}
        return client.get("/internal/authorize", headers={**headers, "X-Original-Method": "POST"})

    known = authorize(namespace, "workload", ["mlp"])
    assert known.headers["X-Remote-User"] == f"system:serviceaccount:{namespace}:workload"
    assert f"system:serviceaccounts:{namespace}" in known.headers["X-Remote-Groups"].split("|")
    for_the_api_server = authorize(namespace, "workload", [])
    assert for_the_api_server.status_code == 401, "a token for somebody else is not ours to accept"
    assert authorize(namespace, "workload", ["other"]).status_code == 401
    assert authorize("kube-system", "default", ["mlp"]).status_code == 403
    root.post(f"/tenants/{slug}/suspend", status=202)
    assert authorize(namespace, "workload", ["mlp"]).status_code == 403


def test_rbac_decides_who_calls_a_model_endpoint(real: tuple[System, Reconciler], world: World) -> None:
    mlp, _ = real
    root, slug = mlp.caller("root"), some_slug("t")
    root.post("/tenants", {"slug": slug, "quota": {"cpu": "4", "memory": "8Gi", "storage": "8Gi", "pods": 20}}, 201)
    mlp.member(slug, "mo", Role.MEMBER)
    mlp.member(slug, "vi", Role.VIEWER)
    namespaces = {}
    for name in ("lab", "other"):
        change = root.post(f"/tenants/{slug}/workspaces", {"name": name, "quota": QUOTA}, 202)
        namespaces[name] = change["workspace"]["namespace"]
    mlp.drain()
    for namespace in namespaces.values():
        world.settle_rights(slug, namespace)
    app = create_app(
        mlp.runtime.settings, runtime=mlp.runtime, reviewer=KubeReviewer(world.control_plane),
        endpoints=EndpointGate(world.control_plane),
    )  # fmt: skip
    client = app.test_client(use_cookies=False)

    def call(token: str, path: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}", "X-Mlp-Gateway-Secret": GATEWAY_SECRET}
        return client.get("/internal/authorize", headers={**headers, "X-Original-URI": path})

    def pod(workspace: str, account: str) -> str:
        return world.server.service_account_token(namespaces[workspace], account, audiences=["mlp"])

    lab = f"/serving/{namespaces['lab']}/iris/v1/models/iris:predict"
    mo = mlp.token("mo")
    for token in (mo, pod("lab", "workload")):
        answer = call(token, lab)
        assert answer.status_code == 200
        assert answer.headers["X-Upstream"] == f"iris-predictor.{namespaces['lab']}"
    refused = [
        call(token, path)
        for path in (lab, lab.replace("iris", "missing"), f"/serving/ws-nobody--x/iris/v1?x={slug}")
        for token in (mlp.token("eve"), mlp.token("vi"), pod("other", "workload"), pod("lab", "default"))
    ]
    refused.append(call(mo, f"/serving/{namespaces['lab']}/iris/../../{namespaces['other']}/iris/v1"))
    refused.append(call(mlp.token("root"), lab))
    assert {(answer.status_code, answer.headers["X-Mlp-Reason"]) for answer in refused} == {(403, "not-an-endpoint")}
    assert not any("X-Upstream" in answer.headers for answer in refused)
    root.post(f"/tenants/{slug}/workspaces/lab/suspend", status=202)
    mlp.drain()
    world.settle_rights(slug, namespaces["lab"], suspended=True)
    assert call(mo, lab).status_code == 403
    assert call(pod("lab", "workload"), lab).status_code == 403


def test_rbac_decides_who_calls_kubeflow_pipelines(real: tuple[System, Reconciler], world: World) -> None:
    mlp, _ = real
    root, slug = mlp.caller("root"), some_slug("t")
    root.post("/tenants", {"slug": slug, "quota": {"cpu": "4", "memory": "8Gi", "storage": "8Gi", "pods": 20}}, 201)
    mlp.member(slug, "mo", Role.MEMBER)
    mlp.member(slug, "vi", Role.VIEWER)
    namespaces = {}
    for name in ("lab", "other"):
        change = root.post(f"/tenants/{slug}/workspaces", {"name": name, "quota": QUOTA}, 202)
        namespaces[name] = change["workspace"]["namespace"]
    mlp.drain()
    app = create_app(
        mlp.runtime.settings, runtime=mlp.runtime, reviewer=KubeReviewer(world.control_plane),
        access=world.control_plane,
    )  # fmt: skip
    client = app.test_client(use_cookies=False)

    def call(token: str, method: str, path: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}", "X-Mlp-Gateway-Secret": GATEWAY_SECRET}
        return client.get(
            "/internal/authorize", headers={**headers, "X-Original-Method": method, "X-Original-URI": path}
        )

    def pod(workspace: str, account: str) -> str:
        return world.server.service_account_token(namespaces[workspace], account, audiences=["mlp"])

    lab = f"/kfp/{namespaces['lab']}/apis/v2beta1"
    runs, upload = f"{lab}/runs", f"{lab}/pipelines/upload?name=a"
    mo, vi, workload, eve = mlp.token("mo"), mlp.token("vi"), pod("lab", "workload"), mlp.token("eve")
    allowed = [(vi, "GET", runs), (vi, "HEAD", runs)]
    allowed += [
        (token, method, path)
        for token in (mo, workload)
        for method, path in (("GET", runs), ("POST", runs), ("DELETE", f"{runs}/a"), ("POST", upload))
    ]
    for token, method, path in allowed:
        answer = call(token, method, path)
        assert answer.status_code == 200, (method, path)
        assert answer.headers["X-Upstream"] == f"ml-pipeline.{namespaces['lab']}"
    refused = [call(vi, method, path) for method, path in (("POST", runs), ("DELETE", runs), ("GET", upload))]
    refused += [
        call(token, method, path)
        for token in (eve, mlp.token("root"), pod("other", "workload"), pod("lab", "default"))
        for method in ("GET", "POST")
        for path in (runs, "/kfp/ws-nobody--x/apis/v2beta1/runs", f"/kfp/{namespaces['lab']}/metrics")
    ]
    refused.append(call(mo, "GET", f"{lab}/../../../{namespaces['other']}/apis/v2beta1/runs"))
    refused.append(call(mo, "GET", f"/kfp/{namespaces['lab']}/metrics"))

    # Also by a right that outlives the binding that a suspension takes away.
    roles, bindings = (world.admin.resource("rbac.authorization.k8s.io/v1", kind) for kind in ("Role", "RoleBinding"))
    role = {
        "apiVersion": roles.api_version,
        "kind": "Role",
        "metadata": {"name": "kept"},
        "rules": [{"apiGroups": ["pipelines.kubeflow.org"], "resources": ["runs"], "verbs": ["get", "create"]}],
    }
    binding = {"apiVersion": bindings.api_version, "kind": "RoleBinding", "metadata": {"name": "kept"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "kept"},
               "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "user:mo"}]}  # fmt: skip
    for obj in (role, binding):
        world.admin.create({**obj, "metadata": {"name": "kept", "namespace": namespaces["lab"]}})
    root.post(f"/tenants/{slug}/workspaces/lab/suspend", status=202)
    refused += [call(mo, method, runs) for method in ("GET", "POST")]
    assert call(workload, "GET", runs).status_code == 403
    mlp.drain()
    refused += [call(mo, method, runs) for method in ("GET", "POST")]
    assert call(mo, "GET", runs.replace(namespaces["lab"], namespaces["other"])).status_code == 200
    assert {(answer.status_code, answer.headers["X-Mlp-Reason"]) for answer in refused} == {(403, "not-an-instance")}
    assert not any("X-Upstream" in answer.headers for answer in refused)
    root.post(f"/tenants/{slug}/workspaces/lab/resume", status=202)
    mlp.drain()
    assert call(mo, "POST", runs).status_code == 200
    root.post(f"/tenants/{slug}/suspend", status=202)
    for token in (mo, vi, workload, pod("other", "workload")):
        assert call(token, "GET", runs).status_code == 403
