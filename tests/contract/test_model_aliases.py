"""Endpoints follow aliases: a real MLflow, a real API server with KServe's kinds, the control plane's own rights."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from components.contract import KubernetesObject
from components.facts import Endpoint
from components.serving.objects import UPSTREAM
from components.tracking.objects import HOST
from controlplane.serving.follower import INFERENCE_SERVICE, AliasFollower, Round
from controlplane.tracking.calls import Calls, TrackingAway, TrackingRefused
from controlplane.tracking.registry import ModelVersion, NoSuchVersion, Registry
from infra.installation.home import cache_root
from infra.toolchain.upstream import UpstreamObjects
from tests.contract.reconcile.world import World, served, until
from tests.contract.tracked import Tracked, tracked
from tests.servers.kubernetes import kubernetes
from tests.servers.ports import free_port

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), pytest.mark.xdist_group("tracking")]
_RBAC = "rbac.authorization.k8s.io"
NOTES = "mlp.io/model-"


@dataclass(frozen=True)
class Stage(Tracked):
    """A workspace with a model of two versions, and another one."""

    run: str = ""

    def point(self, version: str) -> None:
        self.mlflow("POST", "registered-models/alias", {"name": "iris", "alias": "champion", "version": version})

    def endpoint(self, name: str, uri: str, namespace: str = "", **notes: str) -> None:
        predictor = {"model": {"modelFormat": {"name": "mlflow"}, "storageUri": uri}, "annotations": notes}
        metadata = {"name": name, "namespace": namespace or self.namespace}
        self.world.admin.create(
            {"apiVersion": INFERENCE_SERVICE.api_version, "kind": "InferenceService", "metadata": metadata,
             "spec": {"predictor": predictor}}
        )  # fmt: skip

    def seen(self, name: str) -> tuple[dict[str, str], str]:
        """Our annotations on its pods without their prefix, and its status."""
        obj = self.world.admin.get(INFERENCE_SERVICE, self.namespace, name)
        pods = obj["spec"]["predictor"].get("annotations") or {}
        ours = {key.removeprefix(NOTES): value for key, value in pods.items() if key.startswith(NOTES)}
        return ours, (obj["metadata"].get("annotations") or {}).get(f"{NOTES}status", "")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """On an API server of these tests' own: the follower looks at every endpoint there is."""
    with kubernetes() as server:
        made = World(server, tmp_path_factory.mktemp("world"))
        for obj in UpstreamObjects(cache_root()).ensure([UPSTREAM])[UPSTREAM.name]:
            if obj["metadata"]["name"] == "inferenceservices.serving.kserve.io":
                made.admin.apply(obj)
        kind = INFERENCE_SERVICE
        until("the kind is served", lambda: served(made.admin, kind.api_version, kind.kind))
        yield made
        made.close()


@pytest.fixture(scope="module")
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with tracked(world, tmp_path_factory.mktemp) as found:
        experiment = found.mlflow("POST", "experiments/create", {"name": "e"})["experiment_id"]
        run = found.mlflow("POST", "runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
        found.mlflow("POST", "registered-models/create", {"name": "iris"})
        found.mlflow("POST", "model-versions/create", {"name": "iris", "source": f"runs:/{run}/model", "run_id": run})
        found.mlflow("POST", "model-versions/create", {"name": "iris", "source": "models:/iris/1"})
        yield Stage(found.world, found.server, found.namespace, found.other, run)


@pytest.fixture
def registry(stage: Stage) -> Iterator[Registry]:
    """By the watcher's own secret, which opens nothing else."""
    made = Registry(Calls(_endpoint(stage.server.port), stage.server.reader_secret))
    made._calls._host = HOST
    yield made
    made.close()


def _endpoint(port: int) -> Endpoint:
    return Endpoint(url=f"http://127.0.0.1:{port}", namespace="mlp-tracking", port=port)


def test_an_alias_is_read_as_the_workspaces_own_account(stage: Stage, registry: Registry) -> None:
    stage.point("1")
    assert registry.by_alias(stage.namespace, "iris", "champion") == ModelVersion("1", stage.run)
    stage.point("2")
    assert registry.by_alias(stage.namespace, "iris", "champion") == ModelVersion("2", stage.run)
    with pytest.raises(NoSuchVersion, match="challenger"):
        registry.by_alias(stage.namespace, "iris", "challenger")
    with pytest.raises(NoSuchVersion, match="missing"):
        registry.by_alias(stage.namespace, "missing", "champion")
    with pytest.raises(TrackingRefused):
        registry.by_alias(stage.other, "iris", "champion")
    for port, error in ((stage.server.port, TrackingRefused), (free_port(), TrackingAway)):
        with closing(Registry(Calls(_endpoint(port), "wrong"))) as stranger, pytest.raises(error):
            stranger.by_alias(stage.namespace, "iris", "champion")


def test_endpoints_move_with_their_alias_and_one_in_trouble_holds_up_none(stage: Stage, registry: Registry) -> None:
    now = [0.0]
    follower = AliasFollower(stage.world.control_plane, registry, clock=lambda: now[0])
    uri = "models:/iris@champion"
    stage.point("1")
    for name in ("first", "second", "stubborn"):
        stage.endpoint(name, uri)
    stage.endpoint("fixed", "models:/iris/1")
    stage.endpoint("lost", "models:/nothing@champion")
    stage.endpoint("first", uri, namespace=stage.other)
    _refuse_changes(stage.world, "stubborn")

    assert follower.look() == Round(endpoints=5, moved=4, failed=1)
    for name in ("first", "second"):
        assert stage.seen(name)[0] == {"source": uri, "version": "1", "run": stage.run}
    assert stage.seen("fixed") == ({}, "")
    assert "nothing not found" in stage.seen("lost")[1]
    refused = stage.world.admin.get(INFERENCE_SERVICE, stage.other, "first")
    assert "annotations" in refused["metadata"], "why it is not followed can be read on it"
    assert follower.look() == Round(endpoints=5, moved=0, failed=0), "repeating it changes nothing; the stubborn waits"

    stage.point("2")
    now[0] = 11.0
    assert follower.look() == Round(endpoints=5, moved=2, failed=1)
    status = "Serves version 2 of iris, to which champion points."
    assert stage.seen("first") == ({"source": uri, "version": "2", "run": stage.run}, status)
    now[0] = 30.0
    assert follower.look().failed == 0, "its second wait is twice as long"
    now[0] = 32.0
    assert follower.look().failed == 1

    stage.mlflow("DELETE", "registered-models/alias", {"name": "iris", "alias": "champion"})
    follower.look()
    pods, status = stage.seen("first")
    assert pods["version"] == "2", "what is served stays"
    assert status.endswith("Version 2 stays.")

    with closing(Registry(Calls(_endpoint(free_port()), "x"))) as away:
        assert AliasFollower(stage.world.control_plane, away).look().moved == 0
    assert stage.seen("first") == (pods, status), "without MLflow everything stays as it is"


def _refuse_changes(world: World, name: str) -> None:
    """An admission policy as a tenant's neighbour in the cluster could have one."""
    group = "admissionregistration.k8s.io/v1"
    policy: KubernetesObject = {
        "apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "stubborn"},
        "spec": {
            "matchConstraints": {"resourceRules": [
                {"apiGroups": ["serving.kserve.io"], "apiVersions": ["*"], "operations": ["UPDATE"],
                 "resources": ["inferenceservices"]}
            ]},
            "validations": [{"expression": f"object.metadata.name != '{name}'", "message": "never"}],
        },
    }  # fmt: skip
    binding: KubernetesObject = {
        "apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "stubborn"},
        "spec": {"policyName": "stubborn", "validationActions": ["Deny"]},
    }  # fmt: skip
    world.admin.apply(policy)
    world.admin.apply(binding)
    found = (obj["metadata"] for obj in world.admin.list(INFERENCE_SERVICE))
    namespace = next(meta["namespace"] for meta in found if meta["name"] == name)

    def refused() -> bool:
        try:
            world.admin.merge(INFERENCE_SERVICE, namespace, name, {"metadata": {"labels": {"at": str(time.time())}}})
        except Exception as error:  # noqa: BLE001 - what it is, is asked
            return "never" in str(error)
        return False

    until("the policy acts", refused)
