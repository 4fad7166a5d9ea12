"""Calls of one endpoint split between it and its canaries: real nginx, control plane and API server."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from werkzeug.serving import WSGIRequestHandler, make_server

from components.contract import KubernetesObject
from components.names import Role
from components.serving import policies
from controlplane.app import create_app
from controlplane.gate.access import CachedAccess
from controlplane.gate.endpoints import CachedEndpoints
from controlplane.gate.serving import EndpointGate
from controlplane.kube.errors import Forbidden
from controlplane.serving.follower import INFERENCE_SERVICE
from controlplane.wiring import KubeEndpoints
from tests.contract.controlplane.conftest import System
from tests.contract.controlplane.contents import Things, condition, install_kinds
from tests.contract.controlplane.lab import Lab, laboratory
from tests.contract.isolation.test_policies import warnings
from tests.contract.reconcile.world import Actor, World, until
from tests.servers.gateway import Gateway, gateway, hop_secret, program
from tests.servers.kubernetes import KubernetesServer

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]
_API, _KIND = INFERENCE_SERVICE.api_version, INFERENCE_SERVICE.kind
_RBAC = "rbac.authorization.k8s.io"
READY = {"conditions": [condition("Ready", "True", "R")]}
MAIN, CANARY = "iris", "iris-next"
CALLS = 300


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, Path(tmp_path_factory.mktemp("world")))
    install_kinds(made)
    objects = [obj for policy in policies.policies() for obj in policy.objects()]
    for obj in objects:
        made.admin.apply(obj)
    made.wait_for_policies()
    yield made
    for obj in objects:
        made.admin.delete(made.admin.resource(obj["apiVersion"], obj["kind"]), None, obj["metadata"]["name"])
    made.close()


@pytest.fixture
def lab(mlp: System, world: World) -> Iterator[Lab]:
    with laboratory(mlp, world) as made:
        yield made


def _make(things: Things, name: str, main: str = "", percent: str = "", status: Any = READY) -> KubernetesObject:
    meta: dict[str, Any] = {"labels": {"mlp.io/canary-of": main}} if main else {}
    meta |= {"annotations": {"mlp.io/canary-percent": percent}} if percent else {}
    model = {"modelFormat": {"name": "mlflow"}, "storageUri": f"models:/{name}/1"}
    return things.make(_API, _KIND, name, status, spec={"predictor": {"model": model}}, meta=meta)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Quiet."""


@dataclass
class Front:
    """The gateway, and a person who may call."""

    gateway: Gateway
    lab: Lab
    token: str
    now: list[float]
    """Seconds by the clock of the control plane's memory of endpoints."""
    draws: random.Random
    other: Things
    """The hand in another tenant's workspace."""
    seen: set[str] = field(default_factory=set)
    """Hosts that calls went to."""

    def share(self, percent: int) -> int:
        """How many of the next `CALLS` calls a canary of `percent` gets."""
        coming = random.Random()  # noqa: S311 - the same numbers again
        coming.setstate(self.draws.getstate())
        return sum(coming.random() < percent / 100 for _ in range(CALLS))

    def calls(self, count: int = CALLS) -> Counter[str]:
        """By the endpoint that answered. Every call looks at the endpoints anew first."""
        self.now[0] += 10
        found: Counter[str] = Counter()
        path = f"/serving/{self.lab.namespace}/{MAIN}/v2/models/{MAIN}/infer"
        for _ in range(count):
            answer, body = self.gateway.ask("POST", path, {"Authorization": f"Bearer {self.token}"}, b"{}")
            assert answer.status == 200, body
            said, seen = answer.headers["X-Served-By"], json.loads(body)
            host = dict(seen["headers"])["host"]
            assert host.startswith(f"{said}-predictor.{self.lab.namespace}."), "the header is where it went"
            assert seen["path"] == f"/v2/models/{MAIN}/infer", "a canary answers under the endpoint's name"
            self.seen.add(host)
            found[said] += 1
        return found

    def note(self, name: str, **annotations: str | None) -> None:
        keys = {"percent": "mlp.io/canary-percent", "stop": "serving.kserve.io/stop"}
        patch = {"metadata": {"annotations": {keys[key]: value for key, value in annotations.items()}}}
        self.lab.things.kube.merge(INFERENCE_SERVICE, self.lab.namespace, name, patch)


@pytest.fixture
def front(lab: Lab, world: World, tmp_path: Path) -> Iterator[Front]:
    if program() is None:
        pytest.skip("nginx is missing: `platform tools --for tests` unpacks it")
    mlp = lab.mlp
    settings = mlp.runtime.settings.model_copy(update={"gateway_secret": SecretStr(hop_secret("control-plane"))})
    mlp.runtime.settings = settings
    now, draws = [0.0], random.Random(42)  # noqa: S311 - shares that can be told beforehand
    gate = EndpointGate(
        CachedAccess(world.web), CachedEndpoints(KubeEndpoints(world.web), clock=lambda: now[0]), draws.random
    )
    app = create_app(settings, runtime=mlp.runtime, endpoints=gate)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    services = {f"{name}-predictor.{lab.namespace}" for name in (MAIN, CANARY)}
    change = mlp.caller("root").post("/tenants/evil/workspaces", {"name": "lab", "quota": {
        "cpu": "1", "memory": "1Gi", "storage": "1Gi", "pods": 10}}, 202)  # fmt: skip
    mlp.drain()
    other = Things(world.admin, change["workspace"]["namespace"])
    try:
        with gateway(tmp_path, control_plane_port=server.server_port, services=services) as running:
            yield Front(running, lab, mlp.token("mo"), now, draws, other)
    finally:
        server.shutdown()
        server.server_close()


def test_calls_are_split_as_the_canary_says_and_by_no_rollout(front: Front) -> None:
    things = front.lab.things
    _make(things, MAIN)
    assert front.calls(20) == {MAIN: 20}
    _make(things, CANARY, MAIN, "20", status={"conditions": [condition("Ready", "False", "R")]})
    assert front.calls(50) == {MAIN: 50}, "it is not ready"
    things.say(_API, _KIND, CANARY, READY)
    expected = front.share(20)
    assert front.calls() == {CANARY: expected, MAIN: CALLS - expected}
    assert CALLS * 0.1 < expected < CALLS * 0.3
    before = things.get(_API, _KIND, CANARY)["metadata"]["generation"]
    front.note(CANARY, percent="100")
    assert front.calls(50) == {CANARY: 50}
    assert things.get(_API, _KIND, CANARY)["metadata"]["generation"] == before, "the share is no change of the spec"
    front.note(CANARY, percent="0")
    assert front.calls(50) == {MAIN: 50}
    front.note(CANARY, percent="100", stop="true")
    assert front.calls(50) == {MAIN: 50}
    front.note(CANARY, stop=None)
    assert front.calls(20) == {CANARY: 20}
    things.kube.delete(INFERENCE_SERVICE, front.lab.namespace, CANARY)
    assert front.calls(50) == {MAIN: 50}


def test_canaries_of_other_tenants_get_no_calls(front: Front) -> None:
    _make(front.lab.things, MAIN)
    _make(front.other, MAIN)
    _make(front.other, CANARY, MAIN, "100")
    assert front.calls(100) == {MAIN: 100}
    assert front.seen == {f"{MAIN}-predictor.{front.lab.namespace}.svc.cluster.local:{_port(front)}"}


def _port(front: Front) -> str:
    (host,) = front.seen
    return host.rpartition(":")[2]


def test_a_canary_is_shown_with_its_share(lab: Lab) -> None:
    _make(lab.things, MAIN)
    _make(lab.things, CANARY, MAIN, "15")
    seen = lab.items("?group=endpoints")
    assert (seen[MAIN]["progress"], seen[CANARY]["progress"]) == ("", "canary: 15% of the calls to iris")


def _refused(actor: Actor, namespace: str, name: str, labels: dict[str, str], notes: dict[str, str]) -> str:
    """The rule that refuses it; empty where it may be."""
    obj = {
        "apiVersion": _API, "kind": _KIND, "spec": {"predictor": {}},
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": notes},
    }  # fmt: skip
    answer = actor.attempt("POST", INFERENCE_SERVICE.path(namespace), obj, dryRun="All")
    assert answer.code in (200, 403), answer
    return answer.message.rpartition("(rule: ")[2].rstrip(")") if answer.code == 403 else ""


def test_admission_knows_what_a_canary_may_be(lab: Lab, world: World) -> None:
    assert warnings(world, "mlp-inference-services") == []
    _make(lab.things, MAIN)
    mo = world.member(lab.tenant, Role.MEMBER)
    of, percent = "mlp.io/canary-of", "mlp.io/canary-percent"

    def member(labels: dict[str, str], notes: dict[str, str], name: str = CANARY) -> str:
        return _refused(mo, lab.namespace, name, labels, notes)

    until("the policy acts", lambda: member({of: CANARY}, {}) == "canaries")
    assert member({}, {}) == ""
    for good in ("0", "9", "10", "99", "100"):
        assert member({of: MAIN}, {percent: good}) == ""
    for bad in ("101", "-1", "ten", "1.5", "10%", "007", " 1"):
        assert member({of: MAIN}, {percent: bad}) == "canaries", bad
    for odd in ("Iris", "iris.other", "1ris", "i" * 54):
        assert member({of: odd}, {percent: "1"}) == "canaries", odd
    assert member({of: "not-there-yet"}, {percent: "1"}) == ""


def test_only_who_may_change_an_endpoint_takes_calls_from_it(lab: Lab, world: World) -> None:
    _make(lab.things, MAIN)
    _make(lab.things, CANARY)
    namespace, rule = lab.namespace, "(rule: canaries)"
    meta = {"name": "makes-endpoints", "namespace": namespace}
    rules = [{"apiGroups": [INFERENCE_SERVICE.group], "resources": ["inferenceservices"], "verbs": ["create"]},
             {"apiGroups": [INFERENCE_SERVICE.group], "resources": ["inferenceservices"], "verbs": ["patch", "update"],
              "resourceNames": [CANARY, "new"]}]  # fmt: skip
    world.admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    world.admin.apply({"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": meta, "rules": rules})
    world.admin.apply({
        "apiVersion": f"{_RBAC}/v1", "kind": "RoleBinding", "metadata": meta,
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": meta["name"]},
        "subjects": [{"kind": "ServiceAccount", **meta}],
    })  # fmt: skip
    some = world.account("some", namespace, meta["name"])
    until("it may make endpoints", lambda: _may(some, namespace))
    of, percent = "mlp.io/canary-of", "mlp.io/canary-percent"
    until("the policy acts", lambda: _refused(some, namespace, "new", {of: "new"}, {}) == "canaries")
    assert _refused(some, namespace, "new", {of: MAIN}, {percent: "100"}) == "canaries"
    for patch in ({"labels": {of: MAIN}}, {"labels": {of: MAIN}, "annotations": {percent: "1"}}):
        with pytest.raises(Forbidden, match="may not change"):
            some.kube.merge(INFERENCE_SERVICE, namespace, CANARY, {"metadata": patch})
    world.admin.merge(INFERENCE_SERVICE, namespace, CANARY, {
        "metadata": {"labels": {of: MAIN}, "annotations": {percent: "5"}}})  # fmt: skip
    with pytest.raises(Forbidden) as refused:
        some.kube.merge(INFERENCE_SERVICE, namespace, CANARY, {"metadata": {"annotations": {percent: "100"}}})
    assert rule in str(refused.value)
    some.kube.merge(INFERENCE_SERVICE, namespace, CANARY, {"metadata": {"annotations": {"a": "b"}}})
    some.kube.merge(INFERENCE_SERVICE, namespace, CANARY, {"metadata": {"labels": {of: None}}})
    world.control_plane.merge(INFERENCE_SERVICE, namespace, MAIN, {"metadata": {"annotations": {"a": "b"}}})


def _may(actor: Actor, namespace: str) -> bool:
    obj = {"apiVersion": _API, "kind": _KIND, "spec": {"predictor": {}}, "metadata": {"name": "new"}}
    return actor.attempt("POST", INFERENCE_SERVICE.path(namespace), obj, dryRun="All").code == 200
