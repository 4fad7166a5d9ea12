"""Searches become runs: a real MLflow, a real API server with Katib's kinds, the control plane's own rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from components.contract import KubernetesObject
from components.tracking.objects import HOST
from components.tuning.objects import UPSTREAM
from controlplane.experiments.keeper import EXPERIMENTS, TRIALS, Round, SearchKeeper
from controlplane.kube.client import Kube
from controlplane.kube.errors import Forbidden
from controlplane.kube.resources import Resource
from controlplane.tracking.calls import Calls, TrackingAway, TrackingRefused
from controlplane.tracking.registry import Registry
from controlplane.tracking.runs import Runs
from infra.installation.home import cache_root
from infra.toolchain.upstream import UpstreamObjects
from tests.contract.reconcile.world import Actor, World, served, some_slug, until
from tests.contract.tracked import Tracked, tracked
from tests.servers.kubernetes import KubernetesServer

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), pytest.mark.xdist_group("tracking")]
PARENT, UID = "mlflow.parentRunId", "mlp.io/katib-experiment"


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, tmp_path_factory.mktemp("world"))
    for obj in UpstreamObjects(cache_root()).ensure([UPSTREAM])[UPSTREAM.name]:
        if obj["kind"] == "CustomResourceDefinition":
            made.admin.apply(obj)
    for kind in (EXPERIMENTS, TRIALS):
        until(f"{kind.kind} is served", partial(served, made.admin, kind.api_version, kind.kind))
    yield made
    made.close()


@pytest.fixture(scope="module")
def workspace(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    with tracked(world, tmp_path_factory.mktemp) as made:
        yield made


class Losing(Calls):
    """Does a number of calls; the answer to the last one is lost, and nothing is done afterwards."""

    left: float = float("inf")

    def _send(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        if self.left <= 0:
            raise TrackingAway("away")
        self.left -= 1
        answer = super()._send(*arguments, **options)
        if self.left <= 0:
            raise TrackingAway("lost")
        return answer


@dataclass
class Stage:
    workspace: Tracked
    now: float = 0.0
    open: list[Losing] = field(default_factory=list)

    @property
    def admin(self) -> Kube:
        return self.workspace.world.admin

    def keeper(self, calls: float = float("inf")) -> SearchKeeper:
        """As it starts: it remembers nothing."""
        made = self.calls()
        made.left = calls
        return SearchKeeper(self.workspace.world.control_plane, Runs(made), Registry(made), clock=lambda: self.now)

    def calls(self) -> Losing:
        """By the watcher's own secret."""
        made = Losing(self.workspace.endpoint, self.workspace.server.reader_secret)
        made._host = HOST
        self.open.append(made)
        return made

    def search(self, namespace: str = "", **annotations: str) -> Search:
        name = some_slug("search")
        self.admin.create(
            {
                "apiVersion": EXPERIMENTS.api_version,
                "kind": "Experiment",
                "metadata": {
                    "name": name,
                    "namespace": namespace or self.workspace.namespace,
                    "annotations": {f"mlp.io/{key.replace('_', '-')}": value for key, value in annotations.items()},
                },
                "spec": {
                    "objective": {
                        "type": "maximize",
                        "objectiveMetricName": "accuracy",
                        "metricStrategies": [{"name": "accuracy", "value": "max"}],
                    },
                    "algorithm": {"algorithmName": "random"},
                },
            }
        )
        made = Search(self, namespace or self.workspace.namespace, name)
        made.conditions(EXPERIMENTS, name, "Running", startTime="2026-01-01T10:00:00Z")
        return made

    def run(self, tags: dict[str, str], *, with_model: bool = False) -> str:
        """A run as a trial's code logs one."""
        experiment = self.experiment("mine")
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        mlflow = self.workspace.mlflow
        run = mlflow("POST", "runs/create", {"experiment_id": experiment, "start_time": 1, "tags": pairs})
        run_id = str(run["run"]["info"]["run_id"])
        if with_model:
            body = {"experiment_id": experiment, "name": "model", "source_run_id": run_id}
            model = mlflow("POST", "logged-models", body)["model"]["info"]["model_id"]
            mlflow("PATCH", f"logged-models/{model}", {"model_id": model, "status": "LOGGED_MODEL_READY"})
            mlflow("POST", "runs/outputs", {"run_id": run_id, "models": [{"model_id": model, "step": 0}]})
        mlflow("POST", "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 2})
        return run_id

    def experiment(self, name: str) -> str:
        status, answer = self.workspace.server.ask(
            "GET", f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={name}", user="user:mo",
            groups=("tenant:acme:member",), workspace=self.workspace.namespace,
        )  # fmt: skip
        if status == 200:
            return str(answer["experiment"]["experiment_id"])
        return str(self.workspace.mlflow("POST", "experiments/create", {"name": name})["experiment_id"])

    def versions(self, model: str) -> dict[str, str]:
        """Version → run."""
        found = self.workspace.server.ask(
            "GET", f"/api/2.0/mlflow/model-versions/search?filter=name%3D'{model}'", user="user:mo",
            groups=("tenant:acme:member",), workspace=self.workspace.namespace,
        )  # fmt: skip
        return {each["version"]: each["run_id"] for each in found[1].get("model_versions", [])}

    def alias(self, model: str) -> str | None:
        _, found = self.workspace.server.ask(
            "GET", f"/api/2.0/mlflow/registered-models/get?name={model}", user="user:mo",
            groups=("tenant:acme:member",), workspace=self.workspace.namespace,
        )  # fmt: skip
        aliases = found["registered_model"].get("aliases", [])
        return next((each["version"] for each in aliases if each["alias"] == "candidate"), None)


@dataclass
class Search:
    """An experiment of Katib that the test moves along."""

    stage: Stage
    namespace: str
    name: str

    @property
    def uid(self) -> str:
        return str(self.stage.admin.get(EXPERIMENTS, self.namespace, self.name)["metadata"]["uid"])

    def trial(self, name: str, condition: str, depth: str = "3", accuracy: str = "") -> str:
        full = f"{self.name}-{name}"
        obj: KubernetesObject = {
            "apiVersion": TRIALS.api_version, "kind": "Trial",
            "metadata": {"name": full, "namespace": self.namespace,
                         "labels": {"katib.kubeflow.org/experiment": self.name}},
            "spec": {"parameterAssignments": [{"name": "depth", "value": depth}]},
        }  # fmt: skip
        self.stage.admin.apply(obj)
        self.conditions(
            TRIALS, full, condition, startTime="2026-01-01T10:00:01Z", completionTime="2026-01-01T10:00:09Z",
            observation=_observation(accuracy),
        )  # fmt: skip
        return full

    def ends(self, condition: str, best: str = "", accuracy: str = "") -> None:
        optimal = {
            "bestTrialName": best,
            "parameterAssignments": [{"name": "depth", "value": "3"}],
            "observation": _observation(accuracy),
        }
        self.conditions(
            EXPERIMENTS, self.name, condition, completionTime="2026-01-01T10:01:00Z",
            currentOptimalTrial=optimal if best else {},
        )  # fmt: skip

    def conditions(self, kind: Resource, name: str, condition: str, **status: Any) -> None:
        path = f"{kind.path(self.namespace, name)}/status"
        said = {"type": condition, "status": "True", "reason": condition, "message": ""}
        body = {"status": {"conditions": [said], **status}}
        answer = Actor("admin", self.stage.admin).attempt("PATCH", path, body, "application/merge-patch+json")
        assert answer.code == 200, answer.message

    def runs(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """The one parent, and the children by the trial that they are of."""
        stage = self.stage
        listed = stage.workspace.mlflow("POST", "experiments/search", {"max_results": 1000})
        ids = [each["experiment_id"] for each in listed["experiments"]]
        body = {"experiment_ids": ids, "filter": f"tags.`{UID}` = '{self.uid}'", "max_results": 1000}
        found = stage.workspace.mlflow("POST", "runs/search", body).get("runs", [])
        parents = [run for run in found if _tags(run)["mlp.io/origin-kind"] == "Experiment"]
        assert len(parents) == 1, parents
        children = [run for run in found if _tags(run).get(PARENT) == parents[0]["info"]["run_id"]]
        assert len(children) == len(found) - 1
        by_trial = {_tags(run)["mlp.io/origin-name"]: run for run in children}
        assert len(by_trial) == len(children), "a trial has one run"
        return parents[0], by_trial


def _observation(accuracy: str) -> dict[str, Any]:
    metric = {"name": "accuracy", "latest": accuracy, "max": accuracy, "min": "0.1"}
    return {"metrics": [metric] if accuracy else []}


def _tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def _values(run: dict[str, Any], field: str) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in run["data"].get(field, [])}


def _logged_by(search: Search, trial: str) -> dict[str, str]:
    """Tags that a trial's pod gives its runs."""
    return {"mlp.io/origin-kind": "Trial", "mlp.io/origin-name": trial, "mlp.io/origin-experiment": search.name}


@pytest.fixture
def stage(workspace: Tracked) -> Iterator[Stage]:
    made = Stage(workspace)
    _clear(made.admin)  # the keeper looks at all there are, also those that other files' tests left
    yield made
    for calls in made.open:
        calls.close()
    _clear(made.admin)


def _clear(admin: Kube) -> None:
    for kind in (TRIALS, EXPERIMENTS):
        for obj in list(admin.list(kind)):
            admin.delete(kind, obj["metadata"]["namespace"], obj["metadata"]["name"])


def test_trials_become_children_of_one_parent_and_the_best_model_a_version(stage: Stage) -> None:
    search = stage.search(register_model="iris")
    best = f"{search.name}-a"
    own = stage.run(_logged_by(search, best), with_model=True)
    below = stage.run(_logged_by(search, best) | {PARENT: own})
    search.trial("a", "Succeeded", accuracy="0.97")
    search.trial("b", "Succeeded", depth="5", accuracy="0.91")
    search.trial("c", "Running")
    keeper = stage.keeper()
    assert keeper.look() == Round(searches=1, recorded=1, failed=0)

    parent, children = search.runs()
    assert children.keys() == {best, f"{search.name}-b"}, "what still runs is no run yet, unless its code logs one"
    assert children[best]["info"]["run_id"] == own, "the run that the trial's code logged is adopted"
    assert parent["info"]["experiment_id"] == stage.experiment("mine"), "the parent is where the trials log"
    assert parent["info"]["status"] == "RUNNING"
    made = children[f"{search.name}-b"]
    assert (_values(made, "params"), _values(made, "metrics")) == ({"depth": "5"}, {"accuracy": 0.91})
    assert (made["info"]["status"], made["info"]["end_time"]) == ("FINISHED", 1767261609000)
    tags = stage.workspace.server.ask(
        "GET", f"/api/2.0/mlflow/runs/get?run_id={below}", user="user:mo", groups=("tenant:acme:member",),
        workspace=stage.workspace.namespace,
    )[1]["run"]  # fmt: skip
    assert _tags(tags)[PARENT] == own, "runs below a trial's own stay there"
    assert keeper.look() == Round(searches=1, recorded=0, failed=0), "MLflow is not asked again"

    search.trial("c", "Failed")
    search.ends("Succeeded", best, accuracy="0.97")
    assert keeper.look().recorded == 1
    parent, children = search.runs()
    assert children[f"{search.name}-c"]["info"]["status"] == "FAILED"
    assert parent["info"]["status"] == "FINISHED"
    assert _values(parent, "params") == {"algorithm": "random", "objective": "maximize accuracy", "best.depth": "3"}
    assert _values(parent, "metrics") == {"accuracy": 0.97}
    tags = _tags(parent)
    assert (tags["mlp.io/best-trial"], tags["mlp.io/best-run"]) == (best, own)
    assert json.loads(tags["mlp.io/best-parameters"]) == {"depth": "3"}
    assert tags["mlp.io/registered"] == "iris/1"
    assert (stage.versions("iris"), stage.alias("iris")) == ({"1": own}, "1")

    stage.workspace.mlflow("DELETE", "registered-models/alias", {"name": "iris", "alias": "candidate"})
    assert stage.keeper().look().recorded == 1, "started anew, it looks once more"
    assert (stage.versions("iris"), stage.alias("iris")) == ({"1": own}, None), "the alias is people's from then on"
    assert search.runs()[1].keys() == children.keys()


def test_whatever_is_cut_short_is_finished_once(stage: Stage) -> None:
    """Every call of a whole record is the last one of a process, once, with its answer lost."""
    cut = 0
    while True:
        cut += 1
        model = some_slug("model")
        search = stage.search(register_model=model)
        best = f"{search.name}-a"
        own = stage.run(_logged_by(search, best), with_model=True)
        search.trial("a", "Succeeded", accuracy="0.97")
        search.trial("b", "Succeeded", accuracy="0.91")
        search.ends("Succeeded", best, accuracy="0.97")
        outcome = stage.keeper(calls=cut).look()
        assert stage.keeper().look() == Round(searches=1, recorded=1, failed=0)
        parent, children = search.runs()
        assert children.keys() == {best, f"{search.name}-b"}
        ended = {name: run["info"]["status"] for name, run in [("parent", parent), *children.items()]}
        assert set(ended.values()) == {"FINISHED"}, f"cut after {cut} calls: {ended}"
        assert (stage.versions(model), stage.alias(model)) == ({"1": own}, "1"), f"cut after {cut} calls"
        stage.admin.delete(EXPERIMENTS, search.namespace, search.name)
        for obj in list(stage.admin.list(TRIALS)):
            stage.admin.delete(TRIALS, obj["metadata"]["namespace"], obj["metadata"]["name"])
        if outcome.recorded:
            break
    assert cut > 10, "the cuts went through all of it"


def test_a_search_in_trouble_waits_and_holds_up_no_other(stage: Stage) -> None:
    refused = stage.search(namespace=stage.workspace.other)
    refused.trial("a", "Succeeded", accuracy="0.5")
    fine = stage.search()
    fine.trial("a", "Succeeded", accuracy="0.5")
    keeper = stage.keeper()
    assert keeper.look() == Round(searches=2, recorded=1, failed=1)
    assert fine.runs()[1].keys() == {f"{fine.name}-a"}
    assert keeper.look() == Round(searches=2, recorded=0, failed=0), "it waits"
    stage.now = 11.0
    assert keeper.look().failed == 1
    stage.now = 30.0
    assert keeper.look().failed == 0, "its second wait is twice as long"
    stage.now = 32.0
    assert keeper.look().failed == 1


def test_trials_that_log_nothing_have_an_experiment_of_the_searchs_name(stage: Stage) -> None:
    search = stage.search(register_model="nothing-to-register")
    search.trial("a", "MetricsUnavailable")
    search.ends("Succeeded", f"{search.name}-a")
    assert stage.keeper().look().recorded == 1
    parent, children = search.runs()
    assert parent["info"]["experiment_id"] == stage.experiment(search.name)
    assert children[f"{search.name}-a"]["info"]["status"] == "FINISHED"
    assert _tags(parent)["mlp.io/registered"] == "nothing: the best trial logged no model"


def test_a_search_that_was_deleted_does_not_run_for_ever(stage: Stage) -> None:
    search = stage.search()
    search.trial("a", "Succeeded", accuracy="0.5")
    keeper = stage.keeper()
    keeper.look()
    parent = search.runs()[0]["info"]
    assert parent["status"] == "RUNNING"
    _clear(stage.admin)
    assert keeper.look() == Round(searches=0, recorded=0, failed=0)
    _, found = stage.workspace.server.ask(
        "GET", f"/api/2.0/mlflow/runs/get?run_id={parent['run_id']}", user="user:mo", groups=("tenant:acme:member",),
        workspace=stage.workspace.namespace,
    )  # fmt: skip
    assert found["run"]["info"]["status"] == "KILLED"


def test_the_control_plane_only_reads_searches_and_its_secret_opens_nothing_else(stage: Stage) -> None:
    search = stage.search()
    with pytest.raises(Forbidden):
        stage.workspace.world.control_plane.merge(
            EXPERIMENTS, search.namespace, search.name, {"metadata": {"labels": {"a": "b"}}}
        )
    calls = stage.calls()
    for method, path in (
        ("POST", "runs/delete"),
        ("POST", "experiments/delete"),
        ("DELETE", "registered-models/alias"),
        ("GET", "artifacts/list"),
        ("GET", "logged-models/m-1/../../runs/get"),
    ):
        with pytest.raises(TrackingRefused, match="duties"):
            calls._send(method, search.namespace, path, body={} if method != "GET" else None)
