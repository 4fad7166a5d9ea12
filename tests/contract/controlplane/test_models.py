"""Models, lineage and promotions on the real tracking server, as the people who call, on a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from components.names import Role, tenant_group
from components.tracking.objects import HOST
from controlplane.tracking.client import Tracking
from tests.contract.controlplane.conftest import System
from tests.contract.controlplane.contents import install_kinds
from tests.contract.controlplane.lab import Lab, laboratory
from tests.contract.reconcile.world import World
from tests.servers.gateway import hop_secret
from tests.servers.kubernetes import KubernetesServer
from tests.servers.postgres import Postgres
from tests.servers.storage import StorageServer
from tests.servers.tracking import InterpreterMissing, TrackingServer, interpreter

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), pytest.mark.xdist_group("tracking")]


class _ByName(httpx2.HTTPTransport):
    """The server under the name that it answers to, without a name service."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return super().handle_request(request)


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, Path(tmp_path_factory.mktemp("world")))
    install_kinds(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    try:
        interpreter()
    except InterpreterMissing as missing:
        pytest.skip(str(missing))
    postgres = Postgres().start()
    storage = StorageServer(tmp_path_factory.mktemp("s3")).start()
    running = TrackingServer(
        tmp_path_factory.mktemp("tracking"), kubernetes_server, postgres, storage, hop_secret("tracking")
    )
    try:
        running.migrate()
        yield running.start()
    finally:
        running.stop()
        storage.stop()
        postgres.close()


@pytest.fixture
def lab(mlp: System, world: World, server: TrackingServer) -> Iterator[Lab]:
    tracking = Tracking(f"http://{HOST}:{server.port}", server.secret, transport=_ByName(server.port))
    with laboratory(mlp, world, tracking) as made:
        yield made
    tracking.close()


class Mlflow:
    """A member's own calls of MLflow, as the gateway passes them on."""

    def __init__(self, lab: Lab, server: TrackingServer, name: str = "mo", role: Role = Role.MEMBER) -> None:
        self._server = server
        self._as = {"user": f"user:{name}", "groups": (tenant_group(lab.tenant, role),), "workspace": lab.namespace}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self._server.ask(method, f"/api/2.0/mlflow/{path}", body, **self._as)
        assert status == 200, answer
        return answer

    def run(self, metrics: dict[str, float], tags: dict[str, str] | None = None, **params: str) -> str:
        """A finished run with a dataset; gives its id."""
        experiment = self._experiment()
        pairs = [{"key": k, "value": v} for k, v in (tags or {}).items()]
        made = self(
            "POST", "runs/create", {"experiment_id": experiment, "start_time": 1_700_000_000_000, "tags": pairs}
        )
        run = str(made["run"]["info"]["run_id"])
        self("POST", "runs/log-batch", {
            "run_id": run, "params": [{"key": k, "value": v} for k, v in params.items()],
            "metrics": [{"key": k, "value": v, "timestamp": 1, "step": 0} for k, v in metrics.items()],
        })  # fmt: skip
        source = json.dumps({"uri": "s3://sales/2026-01.parquet"})
        dataset = {"name": "sales", "digest": "4f2a", "source_type": "s3", "source": source}
        context = [{"key": "mlflow.data.context", "value": "training"}]
        self("POST", "runs/log-inputs", {"run_id": run, "datasets": [{"tags": context, "dataset": dataset}]})
        self("POST", "runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1_700_000_060_000})
        return run

    def _experiment(self) -> str:
        found = self("POST", "experiments/search", {"max_results": 10, "filter": "name = 'sales'"}).get("experiments")
        if found:
            return str(found[0]["experiment_id"])
        return str(self("POST", "experiments/create", {"name": "sales"})["experiment_id"])

    def version(self, model: str, run: str) -> int:
        """A version of a model, made by a run."""
        path = "/api/2.0/mlflow/registered-models/create"
        status, answer = self._server.ask("POST", path, {"name": model}, **self._as)
        assert status == 200 or answer["error_code"] == "RESOURCE_ALREADY_EXISTS", answer
        made = self("POST", "model-versions/create", {"name": model, "source": f"runs:/{run}/model", "run_id": run})
        return int(made["model_version"]["version"])

    def alias(self, model: str, alias: str) -> int:
        found = self("GET", f"registered-models/alias?name={model}&alias={alias}")
        return int(found["model_version"]["version"])


@pytest.fixture
def mlflow(lab: Lab, server: TrackingServer) -> Mlflow:
    return Mlflow(lab, server)


ORIGIN = {
    "mlp.io/origin-kind": "TrainJob", "mlp.io/origin-name": "nightly", "mlp.io/pod": "nightly-node-0-0",
    "mlp.io/image": "registry.mlp.local/workspace:1", "mlflow.source.git.commit": "0123456789abcdef",
    "mlflow.source.name": "train.py",
}  # fmt: skip


def test_models_are_read_as_the_caller(lab: Lab, mlflow: Mlflow) -> None:
    run = mlflow.run({"accuracy": 0.9})
    mlflow.version("sales", run)
    number = mlflow.version("sales", run)
    mlflow.version("churn", run)
    mlflow("POST", "registered-models/alias", {"name": "sales", "alias": "production", "version": str(number)})
    models = lab.vi.get(f"{lab.path}/models")["items"]
    assert [(m["name"], m["latest"], m["aliases"]) for m in models] == [
        ("churn", 1, []), ("sales", 2, [{"alias": "production", "version": 2}]),
    ]  # fmt: skip
    page = lab.vi.get(f"{lab.path}/models?limit=1")
    assert [m["name"] for m in lab.vi.get(f"{lab.path}/models?limit=1&cursor={page['next']}")["items"]] == ["sales"]
    assert [m["name"] for m in lab.vi.get(f"{lab.path}/models?search=CHU")["items"]] == ["churn"]
    seen = lab.items("?group=models")
    assert seen["sales"]["progress"] == "newest version 2, production is version 2"
    assert seen["sales"]["url"] == f"/mlflow/#/models/sales?workspace={lab.namespace}"
    versions = lab.vi.get(f"{lab.path}/models/sales")["versions"]
    assert [(v["version"], v["aliases"], v["run"]) for v in versions] == [(2, ["production"], run), (1, [], run)]
    lab.vi.get(f"{lab.path}/models/none", 404)
    lab.mlp.caller("eve").get(f"{lab.path}/models", 404)
    assert lab.root.get(f"{lab.path}/models")["items"] == [], "a platform admin is no member of the tenant"
    assert lab.root.get(f"{lab.path}/models/sales", 403)["code"] == "rbac"


def test_lineage_leads_from_an_endpoint_to_the_job_and_back(lab: Lab, mlflow: Mlflow) -> None:
    lab.things.trainjob("nightly")
    run = mlflow.run({"accuracy": 0.93}, ORIGIN, lr="0.01")
    number = mlflow.version("sales", run)
    address = "models:/sales@production"
    notes = {"mlp.io/model-source": address, "mlp.io/model-version": str(number), "mlp.io/model-run": run}
    lab.things.make(
        "serving.kserve.io/v1beta1", "InferenceService", "sales-api",
        spec={"predictor": {"annotations": notes, "model": {"modelFormat": {"name": "mlflow"}, "storageUri": address}}},
    )  # fmt: skip
    found = lab.vi.get(f"{lab.path}/lineage?endpoint=sales-api")
    nodes = {node["id"]: node for node in found["nodes"]}
    edges = {(e["source"].split(":")[0], e["relation"], e["target"].split(":")[0]) for e in found["edges"]}
    assert found["root"] == "endpoint:sales-api"
    assert edges == {
        ("endpoint", "serves", "version"), ("version", "made by", "run"), ("run", "read", "dataset"),
        ("run", "ran code", "code"), ("run", "ran in", "image"), ("run", "started by", "origin"),
    }  # fmt: skip
    facts = {(f["group"], f["name"]): f["value"] for f in nodes[f"run:{run}"]["facts"]}
    assert (facts["parameter", "lr"], facts["metric", "accuracy"], facts["general", "by"]) == ("0.01", "0.93", "mo")
    dataset = {f["name"]: f["value"] for f in nodes["dataset:sales:4f2a"]["facts"]}
    assert dataset["source"] == "s3://sales/2026-01.parquet"
    origin = nodes["origin:TrainJob/nightly"]
    assert (origin["kind"], origin["present"]) == ("job", True)
    assert origin["url"] == f"/workspaces/{lab.tenant}/dev/contents/trainjob/nightly"

    def shape(document: dict[str, Any]) -> tuple[set[str], set[tuple[str, ...]]]:
        return {n["id"] for n in document["nodes"]}, {tuple(sorted(e.items())) for e in document["edges"]}  # type: ignore[misc]

    assert shape(lab.vi.get(f"{lab.path}/lineage?run={run}")) == shape(found), "from the run on to what serves it"
    assert shape(lab.vi.get(f"{lab.path}/lineage?model=sales&version={number}")) == shape(found)
    for wrong in ("", "?endpoint=x&run=y", "?model=sales", "?version=1"):
        lab.vi.get(f"{lab.path}/lineage{wrong}", 422)
    lab.vi.get(f"{lab.path}/lineage?endpoint=none", 404)
    lab.vi.get(f"{lab.path}/lineage?run=none", 404)


def test_lineage_of_an_endpoint_leads_on_to_the_version_of_its_canary(lab: Lab, mlflow: Mlflow) -> None:
    """Answers say which endpoint gave them; from its name, and from the other's, its own version is found."""
    versions = [mlflow.version("sales", mlflow.run({"accuracy": value})) for value in (0.8, 0.9)]
    for name, number in zip(("sales-api", "sales-next"), versions, strict=True):
        meta = {"labels": {"mlp.io/canary-of": "sales-api"}, "annotations": {"mlp.io/canary-percent": "10"}}
        lab.things.make(
            "serving.kserve.io/v1beta1", "InferenceService", name, meta=meta if name == "sales-next" else {},
            spec={"predictor": {"model": {
                "modelFormat": {"name": "mlflow"}, "storageUri": f"models:/sales/{number}"}}},
        )  # fmt: skip

    def edges(endpoint: str) -> set[tuple[str, str, str]]:
        document = lab.vi.get(f"{lab.path}/lineage?endpoint={endpoint}")
        found = {(e["source"], e["relation"], e["target"]) for e in document["edges"]}
        return {each for each in found if each[0].startswith("endpoint:")}

    canary = ("endpoint:sales-next", "serves", f"version:sales/{versions[1]}")
    assert edges("sales-next") == {canary}
    assert edges("sales-api") == {
        canary, ("endpoint:sales-api", "serves", f"version:sales/{versions[0]}"),
        ("endpoint:sales-api", "splits calls with", "endpoint:sales-next"),
    }  # fmt: skip


def test_what_is_gone_is_named(lab: Lab, mlflow: Mlflow) -> None:
    tags = {"mlp.io/origin-kind": "Trial", "mlp.io/origin-name": "tune-a", "mlp.io/origin-experiment": "tune"}
    run = mlflow.run({}, tags)
    nodes = {n["id"]: n for n in lab.vi.get(f"{lab.path}/lineage?run={run}")["nodes"]}
    assert (nodes["origin:Trial/tune-a"]["present"], nodes["origin:Trial/tune-a"]["url"]) == (False, None)
    assert nodes["experiment:tune"]["kind"] == "experiment"


def test_a_promotion_without_a_rule_moves_the_alias_as_the_caller(lab: Lab, mlflow: Mlflow) -> None:
    first = mlflow.version("sales", mlflow.run({"accuracy": 0.8}))
    second = mlflow.version("sales", mlflow.run({"accuracy": 0.9}))
    done = lab.mo.post(f"{lab.path}/promotions", {"model": "sales", "version": first}, 201)
    assert (done["state"], done["before"]) == ("done", None)
    done = lab.mo.post(f"{lab.path}/promotions", {"model": "sales", "version": second, "reason": "better"}, 201)
    assert (done["state"], done["before"], done["message"]) == (
        "done", first, f"production points to version {second} (it was version {first}).",
    )  # fmt: skip
    assert mlflow.alias("sales", "production") == second
    event = lab.audited("promotion.done")[0]
    assert event["actor"] == "user:mo"
    assert (event["before"]["version"], event["after"]["version"]) == (first, second)
    assert lab.vi.post(f"{lab.path}/promotions", {"model": "sales", "version": first}, 403)["code"] == "refused"
    lab.mo.post(f"{lab.path}/promotions", {"model": "sales", "version": 99}, 404)
    assert mlflow.alias("sales", "production") == second


def test_a_rule_refuses_with_the_metric_and_waits_for_somebody_else(lab: Lab, mlflow: Mlflow) -> None:
    rule = {
        "model": "*", "alias": "production", "approver": "admin",
        "thresholds": [{"metric": "accuracy", "value": 0.9}, {"metric": "loss", "comparison": "<=", "value": 0.5}],
    }  # fmt: skip
    rules = f"{lab.path}/promotion-rules"
    assert lab.mo("PUT", rules, json=rule).status_code == 403
    assert lab.ada("PUT", rules, json=rule).status_code == 200
    bad = mlflow.version("sales", mlflow.run({"accuracy": 0.8}))
    good = mlflow.version("sales", mlflow.run({"accuracy": 0.95, "loss": 0.1}))

    refused = lab.mo.post(f"{lab.path}/promotions", {"model": "sales", "version": bad}, 201)
    assert refused["state"] == "refused"
    assert refused["message"] == (
        "accuracy must be at least 0.9; it is 0.8. loss must be at most 0.5; the run has no such number."
    )
    assert lab.audited("promotion.refused")[0]["outcome"] == "refused"

    waiting = lab.mo.post(f"{lab.path}/promotions", {"model": "sales", "version": good}, 201)
    assert (waiting["state"], waiting["approver"], waiting["can_decide"]) == ("waiting", "admin", False)
    one = f"{lab.path}/promotions/{waiting['id']}"
    assert lab.mo.post(f"{one}/approve", {"reason": "mine"}, 403)
    assert lab.ada.get(one)["can_decide"]
    assert [p["state"] for p in lab.vi.get(f"{lab.path}/promotions?limit=1")["items"]] == ["waiting"]
    with pytest.raises(AssertionError):
        mlflow.alias("sales", "production")
    done = lab.ada.post(f"{one}/approve", {"reason": "measured twice"})
    assert (done["state"], done["decided_by"]) == ("done", "ada")
    assert mlflow.alias("sales", "production") == good
    assert lab.audited("promotion.done")[0]["actor"] == "user:ada", "moved as the approver"
    assert lab.ada.post(f"{one}/reject", {"reason": "late"}, 409)["code"] == "promotion-decided"

    mine = lab.ada.post(f"{lab.path}/promotions", {"model": "sales", "version": good}, 201)
    own = lab.ada.post(f"{lab.path}/promotions/{mine['id']}/approve", {"reason": "mine"}, 403)
    assert own["code"] == "own-promotion"


def test_waiting_promotions_are_judged_again_and_can_be_rejected(lab: Lab, mlflow: Mlflow) -> None:
    rules, promotions = f"{lab.path}/promotion-rules", f"{lab.path}/promotions"
    lab.ada("PUT", rules, json={"approver": "admin"})
    number = mlflow.version("sales", mlflow.run({"accuracy": 0.8}))
    first = lab.mo.post(promotions, {"model": "sales", "version": number}, 201)
    second = lab.mo.post(promotions, {"model": "sales", "version": number}, 201)
    no = lab.ada.post(f"{promotions}/{first['id']}/reject", {"reason": "not on a Friday"})
    assert (no["state"], no["message"]) == ("rejected", "Rejected by ada: not on a Friday")
    stricter = {"model": "sales", "approver": "admin", "thresholds": [{"metric": "accuracy", "value": 0.9}]}
    lab.ada("PUT", rules, json=stricter)
    late = lab.ada.post(f"{promotions}/{second['id']}/approve", {"reason": "fine"})
    assert late["state"] == "refused"
    own = next(r for r in lab.vi.get(rules)["items"] if r["model"] == "sales")
    lab.ada.delete(f"{rules}/{own['id']}", 204)
    assert [r["model"] for r in lab.vi.get(rules)["items"]] == ["*"]


def test_an_evaluation_has_to_be_about_the_version(lab: Lab, mlflow: Mlflow) -> None:
    promotions = f"{lab.path}/promotions"
    lab.ada("PUT", f"{lab.path}/promotion-rules", json={"thresholds": [{"metric": "accuracy", "value": 0.9}]})
    number = mlflow.version("sales", mlflow.run({"accuracy": 0.5}))
    other = mlflow.run({"accuracy": 0.99})
    wrong = lab.mo.post(promotions, {"model": "sales", "version": number, "run": other}, 422)
    assert wrong["code"] == "not-an-evaluation"
    lab.mo.post(promotions, {"model": "sales", "version": number, "run": "f" * 32}, 422)
    right = mlflow.run({"accuracy": 0.99}, {"mlp.io/evaluates": f"sales/{number}"})
    done = lab.mo.post(promotions, {"model": "sales", "version": number, "run": right}, 201)
    assert (done["state"], done["run"], done["checks"][0]["measured"]) == ("done", right, 0.99)


def test_a_token_without_the_scope_reaches_no_model(lab: Lab) -> None:
    from controlplane.auth.model import Scope

    secret = lab.mlp.token("mo", scopes=(Scope.READ, Scope.WRITE))
    answer = lab.mlp.app.test_client().get(
        f"/api/v1{lab.path}/models", headers={"Authorization": f"Bearer {secret}"}
    )  # fmt: skip
    assert (answer.status_code, answer.get_json()["code"]) == (403, "token-scope")
