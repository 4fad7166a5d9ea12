"""What the gateway is told about callers."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from controlplane.app import create_app
from controlplane.auth.model import Scope
from controlplane.errors import Temporary
from controlplane.gate.access import CachedAccess
from controlplane.gate.ports import Reviewed
from controlplane.gate.service import CachedReviewer
from controlplane.gate.serving import EndpointGate
from controlplane.kube.client import Access
from tests.contract.controlplane.conftest import GATEWAY_SECRET, SMALL, System
from tests.contract.controlplane.test_sessions import Browser
from tests.servers.facts import PUBLIC_URL

pytestmark = pytest.mark.contract
POD = "system:serviceaccount:ws-acme--lab:workload"


class Reviewer:
    """Tokens by what they say; counts what it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    def review(self, token: str) -> Reviewed | None:
        self.asked += 1
        if self.away:
            raise Temporary("the API server does not answer")
        users = {
            "pod": POD, "node": "system:node:one", "system-pod": "system:serviceaccount:kube-system:default",
            "look-alike": "system:serviceaccount:ws-other--lab:workload",
            "odd": "system:serviceaccount:ws-acme--lab:a:b",
        }  # fmt: skip
        if token not in users:
            return None
        groups = (
            "system:serviceaccounts",
            "system:serviceaccounts:ws-acme--lab",
            "system:authenticated",
            "system:masters",
        )
        return Reviewed(users[token], groups)


class Calls:
    """Lets the pod call `iris` and read runs; counts what it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def allowed(self, access: Access) -> bool:
        self.asked += 1
        asked = (access.verb, access.resource, access.name)
        may = asked in (("create", "inferenceservices", "iris"), ("get", "runs", ""))
        return may and (access.user, access.namespace) == (POD, "ws-acme--lab")


class Gateway:
    def __init__(self, mlp: System) -> None:
        self.now = 0.0
        self.reviewer = Reviewer()
        cached = CachedReviewer(self.reviewer, clock=lambda: self.now)
        self.calls = Calls()
        access = CachedAccess(self.calls, clock=lambda: self.now)
        self.app = create_app(
            mlp.runtime.settings, runtime=mlp.runtime, reviewer=cached, endpoints=EndpointGate(access), access=access
        )
        self.client = self.app.test_client(use_cookies=False)

    def __call__(self, **headers: str) -> TestResponse:
        sent = {"X-Mlp-Gateway-Secret": GATEWAY_SECRET, "X-Original-Method": "GET"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get("/internal/authorize", headers=sent, base_url=PUBLIC_URL)

    def token(self, secret: str, **headers: str) -> TestResponse:
        return self(Authorization=f"Bearer {secret}", **headers)


def _lab(mlp: System) -> Any:
    ada = mlp.caller("ada")
    ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    mlp.drain()
    return ada


def test_only_the_gateway_is_answered(mlp: System) -> None:
    gateway = Gateway(mlp)
    token = mlp.token("ada")
    assert gateway.token(token).status_code == 200
    for secret in ("", "wrong", GATEWAY_SECRET + "x", "ü"):
        assert gateway.token(token, X_Mlp_Gateway_Secret=secret).status_code == 403


def test_a_person_comes_with_user_and_groups(mlp: System) -> None:
    gateway = Gateway(mlp)
    mlp.tenant("beta")
    mlp.member("beta", "ada", "viewer")  # type: ignore[arg-type]
    answer = gateway.token(mlp.token("ada"))
    assert answer.headers["X-Remote-User"] == "user:ada"
    assert answer.headers["X-Remote-Groups"] == "tenant:acme:admin|tenant:beta:viewer"
    root = gateway.token(mlp.token("root"))
    assert root.headers["X-Remote-Groups"] == "platform:admin"


def test_tokens_need_the_scope_and_unknown_callers_get_401(mlp: System) -> None:
    gateway = Gateway(mlp)
    assert gateway.token(mlp.token("ada", scopes=(Scope.READ, Scope.WRITE))).status_code == 403
    assert gateway().status_code == 401
    assert gateway.token("mlp_unknown").status_code == 401
    assert gateway.token("no-such-token").status_code == 401
    assert gateway(Authorization="Basic YTpi").status_code == 401
    assert gateway(Authorization="Basic YTpi", Cookie="__Host-mlp_session=x").status_code == 401


def test_a_session_cookie_changes_things_from_our_pages_only(mlp: System) -> None:
    gateway = Gateway(mlp)
    browser = Browser(mlp)
    browser.sign_in("ada")
    cookie = f"__Host-mlp_session={browser.cookie}"
    assert gateway(Cookie=cookie).status_code == 200
    own = {"Origin": PUBLIC_URL, "X_Original_Method": "POST"}
    assert gateway(Cookie=cookie, **own).status_code == 200
    assert gateway(Cookie=cookie, X_Original_Method="POST").status_code == 403
    assert gateway(Cookie=cookie, X_Original_Method="").status_code == 403
    assert gateway(Cookie=cookie, X_Original_Method="POST", Origin="https://evil.example").status_code == 403
    assert gateway(Cookie=cookie, X_Original_Method="POST", Sec_Fetch_Site="cross-site").status_code == 403


def test_pods_of_workspaces_only(mlp: System) -> None:
    gateway = Gateway(mlp)
    assert gateway.token("pod").headers["X-Mlp-Reason"] == "not-a-workspace", "there is no such workspace yet"
    _lab(mlp)
    answer = gateway.token("pod")
    assert answer.headers["X-Remote-User"] == POD
    groups = answer.headers["X-Remote-Groups"].split("|")
    assert sorted(groups) == ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:ws-acme--lab"]
    for other in ("node", "system-pod", "look-alike", "odd"):
        assert gateway.token(other).status_code == 403, other


def test_the_suspended_are_not_let_through(mlp: System) -> None:
    gateway = Gateway(mlp)
    ada, root = _lab(mlp), mlp.caller("root")
    token = mlp.token("ada")
    ada.post("/tenants/acme/workspaces/lab/suspend", status=202)
    assert gateway.token("pod").headers["X-Mlp-Reason"] == "workspace-suspended"
    into = gateway.token(token, X_MLflow_Workspace="ws-acme--lab")
    assert (into.status_code, into.headers["X-Mlp-Reason"]) == (403, "workspace-suspended")
    assert gateway.token(token).status_code == 200
    ada.post("/tenants/acme/workspaces/lab/resume", status=202)
    assert gateway.token("pod").status_code == 200
    root.post("/tenants/acme/suspend", status=202)
    for answer in (gateway.token("pod"), gateway.token(token)):
        assert (answer.status_code, answer.headers["X-Mlp-Reason"]) == (403, "tenant-suspended")
    mlp.member("evil", "ada", "viewer")  # type: ignore[arg-type]
    assert gateway.token(token).headers["X-Remote-Groups"] == "tenant:evil:viewer"


def test_good_tokens_are_remembered_briefly_and_bad_ones_never(mlp: System) -> None:
    gateway = Gateway(mlp)
    _lab(mlp)
    for _ in range(3):
        gateway.token("pod")
    assert gateway.reviewer.asked == 1
    gateway.now = 8.5
    gateway.token("pod")
    assert gateway.reviewer.asked == 2
    for _ in range(3):
        gateway.token("bad")
    assert gateway.reviewer.asked == 5
    gateway.reviewer.away = True
    assert gateway.token("pod").status_code == 200
    gateway.now = 20
    away = gateway.token("pod")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "2")


def test_answers_about_calls_are_remembered_for_three_seconds(mlp: System) -> None:
    gateway = Gateway(mlp)
    _lab(mlp)
    iris, other = "/serving/ws-acme--lab/iris/v2/x", "/serving/ws-acme--lab/other/v2/x"
    for _ in range(3):
        answer = gateway.token("pod", X_Original_URI=iris)
        assert answer.headers["X-Upstream"] == "iris-predictor.ws-acme--lab"
        assert answer.headers["X-Served-By"] == "iris"
        assert gateway.token("pod", X_Original_URI=other).status_code == 403
    assert gateway.calls.asked == 2
    gateway.now = 3.5
    gateway.token("pod", X_Original_URI=iris)
    assert gateway.calls.asked == 3


def test_elsewhere_nobody_is_asked_about_endpoints(mlp: System) -> None:
    gateway = Gateway(mlp)
    token = mlp.token("ada")
    for uri in ("/mlflow/x", "/servings/ws-acme--lab/iris/v2", "/mlflow/?/serving/ws-acme--lab/iris/"):
        answer = gateway.token(token, X_Original_URI=uri)
        assert answer.status_code == 200
        assert "X-Upstream" not in answer.headers
    assert gateway.calls.asked == 0


def test_calls_of_kubeflow_pipelines_are_judged_by_method_and_remembered(mlp: System) -> None:
    gateway = Gateway(mlp)
    _lab(mlp)
    runs = "/kfp/ws-acme--lab/apis/v2beta1/runs"
    for _ in range(3):
        assert gateway.token("pod", X_Original_URI=runs).headers["X-Upstream"] == "ml-pipeline.ws-acme--lab"
        answer = gateway.token("pod", X_Original_URI=runs, X_Original_Method="POST")
        assert (answer.status_code, answer.headers["X-Mlp-Reason"]) == (403, "not-an-instance")
    assert gateway.calls.asked == 2
    gateway.now = 3.5
    gateway.token("pod", X_Original_URI=runs)
    assert gateway.calls.asked == 3


def test_nobody_learns_which_workspaces_there_are(mlp: System) -> None:
    gateway = Gateway(mlp)
    ada = _lab(mlp)
    eve = mlp.token("eve")

    def refusals() -> set[tuple[int, str]]:
        paths = ("lab/apis/", "none/apis/", "lab/metrics", "lab/apis/../x")
        answers = [gateway.token(eve, X_Original_URI=f"/kfp/ws-acme--{path}") for path in paths]
        return {(answer.status_code, answer.headers["X-Mlp-Reason"]) for answer in answers}

    assert refusals() == {(403, "not-an-instance")}
    ada.post("/tenants/acme/workspaces/lab/suspend", status=202)
    assert refusals() == {(403, "not-an-instance")}
    without = create_app(mlp.runtime.settings, runtime=mlp.runtime)
    sent = {"X-Mlp-Gateway-Secret": GATEWAY_SECRET, "Authorization": f"Bearer {eve}"}
    sent["X-Original-URI"] = "/kfp/ws-acme--lab/apis/"
    answer = without.test_client(use_cookies=False).get("/internal/authorize", headers=sent, base_url=PUBLIC_URL)
    assert answer.status_code == 403, "there is no cluster to ask"


def test_a_session_changes_kubeflow_pipelines_from_our_pages_only(mlp: System) -> None:
    gateway = Gateway(mlp)
    _lab(mlp)
    browser = Browser(mlp)
    browser.sign_in("ada")
    cookie = f"__Host-mlp_session={browser.cookie}"
    runs = "/kfp/ws-acme--lab/apis/v2beta1/runs"
    upload = "/kfp/ws-acme--lab/apis/v2beta1/pipelines/upload"
    for uri, method in ((runs, "POST"), (upload, "POST"), (upload, "GET")):
        sent = {"X_Original_URI": uri, "X_Original_Method": method}
        assert gateway(Cookie=cookie, **sent).headers["X-Mlp-Reason"] == "cross-site"
        evil = gateway(Cookie=cookie, Origin="https://evil.example", **sent)
        assert evil.headers["X-Mlp-Reason"] == "cross-site"
        own = gateway(Cookie=cookie, Origin=PUBLIC_URL, **sent)
        assert own.headers["X-Mlp-Reason"] == "not-an-instance", "RBAC of this test knows the pod alone"
    read = gateway(Cookie=cookie, X_Original_URI=runs)
    assert read.headers["X-Mlp-Reason"] == "not-an-instance"
