"""Canaries and sleep as KServe's own controller makes them: no rollout for a share, no pods for who sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.contract import KubernetesObject, Workspace
from components.serving import COMPONENT
from controlplane.kube.errors import NotFound, ServerFailure
from controlplane.kube.resources import Resource
from controlplane.runtime import system
from controlplane.serving import repository
from controlplane.serving.endpoints import Endpoint, shares
from controlplane.serving.follower import INFERENCE_SERVICE, AliasFollower
from controlplane.serving.keeper import SleepKeeper
from controlplane.tracking.registry import ModelVersion, NoSuchVersion
from controlplane.wiring import KubeEndpoints
from tests.contract.controlplane.conftest import System
from tests.contract.controlplane.lab import Lab, laboratory
from tests.contract.reconcile.world import FACTS, REGISTRY, World
from tests.contract.reconcile.world import until as waited
from tests.servers.binaries import BinaryMissing, find
from tests.servers.kserve import Kserve
from tests.servers.kubelet import Kubelet, running
from tests.servers.kubernetes import kubernetes

pytestmark = [pytest.mark.contract, pytest.mark.timeout(600), pytest.mark.xdist_group("kserve")]
DEPLOYMENT = Resource("apps/v1", "Deployment", "deployments")
SERVICE = Resource("v1", "Service", "services")
MAIN, CANARY = "iris", "iris-next"
PERCENT, IDLE = "mlp.io/canary-percent", "mlp.io/idle-minutes"


class Stage:
    """A workspace in which KServe works."""

    def __init__(self, lab: Lab, world: World, log: Path) -> None:
        self.lab, self.world, self.log = lab, world, log
        self.admin, self.namespace = world.admin, lab.namespace

    def until(self, what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
        """With KServe's own words where it does not come."""
        try:
            waited(what, condition, seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log.read_text()[-3000:]}") from late

    def make(self, name: str, uri: str = "models:/iris/1", **meta: Any) -> None:
        model = {"modelFormat": {"name": "mlflow"}, "storageUri": uri}
        api, kind = INFERENCE_SERVICE.api_version, INFERENCE_SERVICE.kind

        def made() -> bool:
            """Policies that complete objects refuse a kind for some seconds after its definition."""
            try:
                self.lab.things.make(api, kind, name, spec={"predictor": {"model": model}}, meta=meta)
            except ServerFailure:
                return False
            return True

        self.until(f"{name} is made", made)

    def endpoints(self) -> dict[str, Endpoint]:
        """As the gate sees them."""
        return {each.name: each for each in KubeEndpoints(self.world.web).endpoints(self.namespace)}

    def deployment(self, name: str) -> KubernetesObject | None:
        return self.admin.find(DEPLOYMENT, self.namespace, f"{name}-predictor")

    def says_stopped(self, name: str) -> bool:
        """Whether KServe has seen that it is not wanted, and made no pods."""
        status = self.admin.get(INFERENCE_SERVICE, self.namespace, name).get("status") or {}
        kinds = {each["type"] for each in status.get("conditions") or () if each["status"] == "True"}
        return "Stopped" in kinds and self.deployment(name) is None

    def template(self, name: str) -> Any:
        found = self.deployment(name)
        return found["spec"]["template"] if found else {}


@pytest.fixture
def stage(mlp: System, tmp_path: Path) -> Iterator[Stage]:
    try:
        find("kserve-manager")
    except BinaryMissing as missing:
        pytest.skip(str(missing))
    (tmp_path / "world").mkdir()
    with kubernetes() as server, ExitStack() as stack:
        world = stack.enter_context(closing(World(server, tmp_path / "world")))
        kserve = Kserve(server, tmp_path, REGISTRY)
        for obj in kserve.objects():
            waited(f"{obj['kind']} {obj['metadata']['name']}", lambda o=obj: _applied(world, o))  # type: ignore[misc]
        with kserve.run(), laboratory(mlp, world) as lab:
            place = Workspace(tenant=lab.tenant, name="dev", namespace=lab.namespace)
            for obj in COMPONENT.workspace_objects(place, FACTS):
                world.admin.apply(obj)
            with Kubelet(server, lab.namespace) as kubelet:
                kubelet.report = running
                yield Stage(lab, world, kserve.log)
            # It would read service accounts for credentials in them, and may not.
            refused = [line for line in kserve.log.read_text().splitlines() if "forbidden" in line]
            assert [line for line in refused if "serviceaccounts" not in line] == [], "its rights lack what it asks for"


def _applied(world: World, obj: KubernetesObject) -> bool:
    """Kinds are served a moment after their definition was written."""
    try:
        world.admin.apply(obj)
    except NotFound:
        return False
    return True


class Registry:
    """What MLflow says of aliases."""

    def __init__(self) -> None:
        self.version = ""

    def by_alias(self, namespace: str, model: str, alias: str) -> ModelVersion:
        if not self.version:
            raise NoSuchVersion(f"{alias} of {model} is no version in {namespace}")
        return ModelVersion(self.version)


def test_kserve_starts_followers_makes_canaries_and_takes_away_who_sleeps(stage: Stage) -> None:
    _starts_with_its_version(stage)

    stage.make(MAIN)
    stage.make(CANARY, labels={"mlp.io/canary-of": MAIN}, annotations={PERCENT: "10"})
    stage.until("both are ready", lambda: all(each.ready for each in stage.endpoints().values()))
    assert shares(stage.endpoints(), MAIN) == {CANARY: 10}
    for name in (MAIN, CANARY):
        (server,) = (c for c in stage.template(name)["spec"]["containers"] if c["name"] == "kserve-container")
        assert server["args"][3] == MAIN, "both answer under the name in the address"

    before = {name: stage.template(name) for name in (MAIN, CANARY)}
    stage.admin.merge(INFERENCE_SERVICE, stage.namespace, CANARY, {"metadata": {"annotations": {PERCENT: "60"}}})
    stage.admin.merge(INFERENCE_SERVICE, stage.namespace, MAIN, {"metadata": {"annotations": {IDLE: "5"}}})
    assert shares(stage.endpoints(), MAIN) == {CANARY: 60}
    for name in (MAIN, CANARY):  # what KServe hands on shows that it has seen the others
        note = {"example.com/seen": "yes"}
        stage.admin.merge(INFERENCE_SERVICE, stage.namespace, name, {"metadata": {"annotations": note}})
        stage.until(f"KServe has looked at {name}", lambda n=name: _seen(stage.template(n)))  # type: ignore[misc]
        after = stage.template(name)
        del after["metadata"]["annotations"]["example.com/seen"]
        assert after == before[name], "a share, or sleep, is no reason to roll"
    stage.until("both are ready again", lambda: all(each.ready for each in stage.endpoints().values()))

    _sleeps_and_wakes(stage)


def _starts_with_its_version(stage: Stage) -> None:
    """Once, and with the version that its alias points to."""
    registry = Registry()
    follower = AliasFollower(stage.world.control_plane, registry)
    stage.make("following", uri="models:/iris@champion")
    stage.make("moved", uri="models:/iris@champion")
    stage.make("stopped", uri="models:/iris@champion", annotations={"serving.kserve.io/stop": "true"})
    for name in ("following", "moved"):
        stage.until(f"KServe has seen that {name} waits", lambda n=name: stage.says_stopped(n))  # type: ignore[misc]
        assert stage.endpoints()[name].held
    assert follower.look().moved == 3, "it says of each that its alias leads nowhere"
    found = stage.lab.items("?group=endpoints")["following"]
    assert found["state"] == "starting"
    assert found["reason"].endswith("It starts once the alias leads to a version.")

    model = {"storageUri": "models:/iris/7"}
    change = {"spec": {"predictor": {"model": model}}}
    stage.admin.merge(INFERENCE_SERVICE, stage.namespace, "moved", change)
    registry.version = "7"
    follower.look()
    stage.until(
        "both are ready", lambda: {n for n, e in stage.endpoints().items() if e.ready} == {"following", "moved"}
    )
    made = stage.deployment("following")
    assert made is not None
    assert made["spec"]["template"]["metadata"]["annotations"]["mlp.io/model-version"] == "7"
    assert made["metadata"]["generation"] == 1, "its pods were made once"
    assert stage.deployment("stopped") is None, "who stopped it starts it"
    assert not stage.endpoints()["stopped"].held
    for name in ("following", "moved", "stopped"):
        stage.admin.delete(INFERENCE_SERVICE, stage.namespace, name)


def _seen(template: Any) -> bool:
    return "example.com/seen" in (template.get("metadata", {}).get("annotations") or {})


def _sleeps_and_wakes(stage: Stage) -> None:
    runtime, now = stage.lab.mlp.runtime, [datetime.now(UTC)]
    runtime.clock = lambda: now[0]
    keeper = SleepKeeper(stage.world.control_plane, runtime)
    keeper.look()
    now[0] += timedelta(minutes=6)
    # KServe writes its status in between: who was changed since it was read is left to the next round.
    stage.until("it is put to sleep", lambda: keeper.look().changed == 1)
    stage.until("its pods and its Service are gone", lambda: _gone(stage))
    found = stage.endpoints()[MAIN]
    assert (found.ready, found.stopped, found.asleep) == (False, True, True)
    assert stage.deployment(CANARY) is not None
    assert shares(stage.endpoints(), MAIN) == {}

    with runtime.work(system("test")) as work:
        repository.called(work.session, (stage.namespace, MAIN), work.now, asleep=True)
    stage.until("it is woken", lambda: keeper.wake() == 1)
    stage.until("it is ready again", lambda: stage.endpoints()[MAIN].ready)
    assert keeper.look().changed == 0, "it was called just now"


def _gone(stage: Stage) -> bool:
    service = stage.admin.find(SERVICE, stage.namespace, f"{MAIN}-predictor")
    return stage.deployment(MAIN) is None and service is None
