"""Endpoints that nobody calls sleep, and a call wakes them: real PostgreSQL and API server, the parts' own rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from components.contract import KubernetesObject
from components.serving import policies
from controlplane.app import create_app
from controlplane.errors import Temporary
from controlplane.gate import uses
from controlplane.gate.access import CachedAccess
from controlplane.gate.endpoints import CachedEndpoints
from controlplane.gate.serving import EndpointGate
from controlplane.kube.client import Kube
from controlplane.outside import Outside
from controlplane.runtime import system
from controlplane.serving import repository
from controlplane.serving.follower import INFERENCE_SERVICE
from controlplane.serving.keeper import Round, SleepKeeper
from controlplane.serving.sleep import asleep, sleeper
from controlplane.wiring import KubeEndpoints
from tests.contract.controlplane.conftest import GATEWAY_SECRET, System
from tests.contract.controlplane.contents import condition, install_kinds
from tests.contract.controlplane.lab import Lab, laboratory
from tests.contract.reconcile.world import World
from tests.servers.kubernetes import KubernetesServer

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]
_API, _KIND = INFERENCE_SERVICE.api_version, INFERENCE_SERVICE.kind
READY = {"conditions": [condition("Ready", "True", "R")]}
IDLE, STOP, ASLEEP = "mlp.io/idle-minutes", "serving.kserve.io/stop", "mlp.io/asleep"


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


@dataclass
class Stage:
    """A workspace, the watcher's keeper and the gate, all of them by the clock `now`."""

    lab: Lab
    keeper: SleepKeeper
    app: Any
    token: str
    now: list[datetime]

    def later(self, **time: float) -> None:
        self.now[0] += timedelta(**time)

    def endpoint(self, name: str, **notes: str) -> KubernetesObject:
        keys = {"idle": IDLE, "stop": STOP, "asleep": ASLEEP}
        meta = {"annotations": {keys[key]: value for key, value in notes.items()}}
        model = {"modelFormat": {"name": "mlflow"}, "storageUri": "models:/iris/1"}
        return self.lab.things.make(_API, _KIND, name, READY, spec={"predictor": {"model": model}}, meta=meta)

    def notes(self, name: str) -> dict[str, str]:
        """Its annotations that stop it."""
        found = self.lab.things.get(_API, _KIND, name)["metadata"].get("annotations") or {}
        return {key: value for key, value in found.items() if key in (STOP, ASLEEP)}

    def note(self, name: str, notes: dict[str, str | None]) -> None:
        """As a person with kubectl."""
        patch = {"metadata": {"annotations": notes}}
        self.lab.things.kube.merge(INFERENCE_SERVICE, self.lab.namespace, name, patch)

    def call(self, name: str) -> TestResponse:
        """What the gateway is told about a call; endpoints are looked at anew."""
        self.later(seconds=4)
        client = self.app.test_client(use_cookies=False)
        headers = {"Authorization": f"Bearer {self.token}", "X-Mlp-Gateway-Secret": GATEWAY_SECRET}
        uri = f"/serving/{self.lab.namespace}/{name}/v2/models/{name}/infer"
        answer: TestResponse = client.get("/internal/authorize", headers={**headers, "X-Original-URI": uri})
        return answer


@pytest.fixture
def stage(mlp: System, world: World) -> Iterator[Stage]:
    now = [datetime.now(UTC)]
    mlp.runtime.clock = lambda: now[0]

    def seconds() -> float:
        return now[0].timestamp()

    with laboratory(mlp, world) as lab:
        gate = EndpointGate(
            CachedAccess(world.web),
            CachedEndpoints(KubeEndpoints(world.web), clock=seconds),
            uses=uses.into(mlp.runtime, seconds),
        )
        app = create_app(mlp.runtime.settings, runtime=mlp.runtime, outside=Outside(), endpoints=gate)
        yield Stage(lab, SleepKeeper(world.control_plane, mlp.runtime), app, mlp.token("mo"), now)
        lab.things.kube.delete_all(INFERENCE_SERVICE, lab.namespace)


def test_what_nobody_calls_sleeps_and_the_first_call_wakes_it(stage: Stage) -> None:
    stage.endpoint("iris", idle="5")
    stage.endpoint("always")
    assert stage.keeper.look() == Round(1, 0, 0), "counting begins, however long it was ready"
    stage.later(minutes=5)
    assert stage.call("iris").headers["X-Served-By"] == "iris"
    stage.later(minutes=5)
    assert stage.keeper.look() == Round(1, 0, 0), "it was called meanwhile"
    stage.later(minutes=1)
    assert stage.keeper.look() == Round(1, 1, 0)
    assert stage.notes("iris") == {STOP: "true", ASLEEP: "true"}
    assert stage.notes("always") == {}
    seen = stage.lab.items("?group=endpoints")["iris"]
    assert (seen["state"], seen["reason"]) == (
        "stopped", "It sleeps: nobody called it for 5 minutes. The next call starts it.",
    )  # fmt: skip
    assert stage.keeper.look() == Round(1, 0, 0)
    assert stage.keeper.wake() == 0, "nobody called it"

    answer = stage.call("iris")
    assert (answer.status_code, answer.headers["X-Mlp-Reason"]) == (503, "waking")
    assert stage.keeper.wake() == 1
    assert stage.notes("iris") == {}
    assert stage.call("iris").status_code == 200
    assert stage.keeper.wake() == 0
    assert stage.keeper.look() == Round(1, 0, 0)
    changes = stage.lab.things.get(_API, _KIND, "iris")["metadata"]["managedFields"]
    assert "mlp-control-plane" in {each["manager"] for each in changes}


def test_what_a_person_stopped_stays_stopped(stage: Stage) -> None:
    stage.endpoint("iris", idle="1", stop="true")
    stage.keeper.look()
    stage.later(hours=1)
    assert stage.keeper.look().changed == 0
    assert stage.call("iris").status_code == 200, "the gateway finds nobody there"
    assert stage.keeper.wake() == 0
    assert stage.notes("iris") == {STOP: "true"}


def test_a_person_ends_a_sleep_and_stops_it_for_good(stage: Stage) -> None:
    stage.endpoint("iris", idle="1", stop="true", asleep="true")
    stage.note("iris", {STOP: None})
    assert stage.keeper.look().changed == 1
    assert stage.notes("iris") == {}, "the mark goes, so that the next stop is a person's"
    stage.note("iris", {STOP: "true"})
    stage.call("iris")
    assert stage.keeper.wake() == 0
    assert stage.notes("iris") == {STOP: "true"}


def test_the_page_resumes_and_stops_for_good(stage: Stage) -> None:
    stage.endpoint("iris", idle="1", stop="true", asleep="true")
    path = f"{stage.lab.path}/contents/inferenceservice/iris"
    stage.lab.mo.post(f"{path}/resume")
    assert stage.notes("iris") == {}
    stage.note("iris", {ASLEEP: "true"})
    stage.lab.mo.post(f"{path}/stop")
    assert stage.notes("iris") == {STOP: "true"}


def test_whoever_changed_it_meanwhile_decides(stage: Stage) -> None:
    before = sleeper(stage.endpoint("iris", idle="1"))
    stage.note("iris", {"a": "b"})
    assert not stage.keeper._change(before, asleep(before), "endpoint sleeps")
    assert stage.notes("iris") == {}


def test_a_wish_for_what_is_gone_is_dropped_and_one_that_failed_is_kept(stage: Stage, world: World) -> None:
    stage.endpoint("iris", idle="1", stop="true", asleep="true")
    runtime = stage.lab.mlp.runtime
    gone, kept = (stage.lab.namespace, "gone"), (stage.lab.namespace, "iris")
    with runtime.work(system("test")) as work:
        for key in (gone, kept):
            repository.called(work.session, key, work.now, asleep=True)

    class Stuck(SleepKeeper):
        def _change(self, *_: Any) -> bool:
            return False

    assert Stuck(world.control_plane, runtime).wake() == 0
    with runtime.work(system("test")) as work:
        assert set(repository.wanted(work.session)) == {kept}
    stage.keeper.look()
    assert stage.keeper.wake() == 1


def test_counting_begins_anew_where_sleep_was_not_wanted_for_a_while(stage: Stage) -> None:
    stage.endpoint("iris", idle="1")
    stage.keeper.look()
    stage.note("iris", {IDLE: None})
    assert stage.keeper.look() == Round(0, 0, 0)
    stage.later(hours=1)
    stage.note("iris", {IDLE: "1"})
    assert stage.keeper.look() == Round(1, 0, 0)


def test_without_the_api_server_nobody_sleeps(stage: Stage, world: World) -> None:
    stage.endpoint("iris", idle="1")
    stage.keeper.look()
    stage.later(hours=1)

    class Away(Kube):
        def list(self, *_: Any, **__: Any) -> Any:
            raise Temporary("away")

    with pytest.raises(Temporary):
        SleepKeeper(Away(world.control_plane.transport), stage.lab.mlp.runtime).look()
    assert stage.notes("iris") == {}
