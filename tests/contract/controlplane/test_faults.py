"""Real processes, a real queue and a real database, killed and restarted at the worst moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from controlplane.audit.service import AuditService
from controlplane.auth.accounts import AccountService
from controlplane.auth.model import AccountCreate
from controlplane.errors import Unavailable
from controlplane.operations.model import Operation, OperationState
from controlplane.operations.service import OperationService
from controlplane.queue import TASK
from controlplane.quotas.model import Quota
from controlplane.runtime import Runtime, system
from controlplane.settings import Settings
from controlplane.tenants.model import TenantCreate
from controlplane.tenants.service import TenantService
from controlplane.workspaces.model import WorkspaceCreate, WorkspaceState
from controlplane.workspaces.service import WorkspaceService
from tests.contract.controlplane.cluster import wait_until
from tests.contract.controlplane.conftest import PASSWORD, big_quota, make_settings
from tests.contract.controlplane.process import POINTS, STEPS, Folder
from tests.servers.facts import facts
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]
LEASE = 3.0
SMALL = Quota(cpu="100m", memory="64Mi", storage="64Mi", pods=1)  # type: ignore[arg-type]


class Trap:
    """What a forged message would hold: code that runs when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (os.mkdir, (self.path,))


class World:
    """The control plane in processes: this one stands for the API, worker and watcher are children."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.runtime = Runtime.make(settings)
        self.folder = Folder(folder)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "facts.json").write_text(facts().model_dump_json())
        with self.runtime.work(system("test")) as work:
            AccountService(work).create(AccountCreate(name="root", password=PASSWORD, platform_admin=True))
            TenantService(work).create(TenantCreate(slug="acme", quota=big_quota()))

    def start(self, part: str, name: str = "") -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "MLP_DATABASE_URL": self.settings.database_url.get_secret_value(),
            "MLP_BROKER_URL": self.settings.broker_url.get_secret_value(),
            "MLP_FACTS_FILE": str(self.folder.path / "facts.json"),
            "MLP_LEASE_SECONDS": str(LEASE),
            "MLP_WORKER_NAME": name,
        }
        with (self.folder.path / f"{part}.log").open("ab") as log:
            self._children[part] = subprocess.Popen(
                [sys.executable, "-m", "tests.contract.controlplane.process", part, str(self.folder.path)],
                env=environment, stdout=log, stderr=log, cwd=Path(__file__).parents[3],
            )  # fmt: skip

    def end(self, part: str, how: signal.Signals) -> int:
        child = self._children.pop(part)
        child.send_signal(how)
        return child.wait(60)

    def died(self, part: str) -> int:
        """The exit code of a part that ends by itself."""
        return self._children.pop(part).wait(60)

    def log(self, part: str) -> str:
        """What a part wrote last."""
        return (self.folder.path / f"{part}.log").read_text()[-4000:]

    def create(self, name: str) -> UUID:
        """What `POST workspaces` does; gives the operation."""
        with self.runtime.work(system("test")) as work:
            operation = WorkspaceService(work).create("acme", WorkspaceCreate(name=name, quota=SMALL)).operation
        assert operation is not None
        return operation

    def operation(self, operation: UUID) -> Operation:
        with self.runtime.work(system("test")) as work:
            return OperationService(work).get(operation)

    def finish(self, *operations: UUID, seconds: float = 60.0) -> list[Operation]:
        """The operations once all have ended."""

        def ended() -> bool:
            try:
                return all(not self.operation(o).active for o in operations)
            except Unavailable:
                return False

        wait_until(ended, seconds)
        return [self.operation(o) for o in operations]

    def state(self, name: str) -> WorkspaceState:
        with self.runtime.work(system("test")) as work:
            return WorkspaceService(work).get("acme", name).state

    def check(self) -> None:
        """Chains intact, and each object there once."""
        with self.runtime.work(system("test")) as work:
            assert AuditService(work).verify("acme").intact
        wrote = self.folder.lines("wrote ")
        assert len(wrote) == len(set(wrote)), "an object was written twice for one generation"

    def close(self) -> None:
        for child in self._children.values():
            child.kill()
            child.wait(20)
        self.runtime.close()


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    server = Valkey().start()
    yield server
    server.close()


@pytest.fixture
def own_postgres(postgres: Postgres) -> Iterator[Postgres]:
    """The shared server; it runs again afterwards, whatever the test did to it."""
    yield postgres
    postgres.stop()
    postgres.start()


@pytest.fixture
def make_world(postgres: Postgres, database: str, tmp_path: Path) -> Iterator[Callable[[Valkey], World]]:
    made: list[World] = []

    def make(queue: Valkey) -> World:
        url = postgres.url(database, "controlplaneapp")
        made.append(World(make_settings(url, queue.url, lease_seconds=LEASE), tmp_path))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_step_is_followed_by_another(
    point: str, own_valkey: Valkey, make_world: Callable[[Valkey], World]
) -> None:
    world = make_world(own_valkey)
    world.folder.fail_at(point)
    world.start("watcher")
    world.start("worker")
    operation = world.create("lab")
    assert world.died("worker") == -signal.SIGKILL, world.log("worker")
    world.start("worker")
    (done,) = world.finish(operation, seconds=60)
    assert done.state is OperationState.SUCCEEDED
    assert done.attempt == (1 if point == "finished" else 2)
    assert world.state("lab") is WorkspaceState.READY
    assert len(world.folder.lines("wrote ")) == len(STEPS)
    world.check()


def test_one_operation_told_many_times_runs_once(own_valkey: Valkey, make_world: Callable[[Valkey], World]) -> None:
    world = make_world(own_valkey)
    operation = world.create("lab")
    for _ in range(10):
        world.runtime.celery.send_task(TASK, args=[str(operation)])
    world.runtime.celery.send_task(TASK, args=["no id at all"])
    world.runtime.celery.send_task(TASK, args=["00000000-0000-4000-8000-000000000000"])
    trap = world.folder.path / "trapped"
    world.runtime.celery.send_task(TASK, args=[Trap(str(trap))], serializer="pickle")
    world.start("worker")
    (done,) = world.finish(operation)
    other = world.create("second")
    world.finish(other)
    assert done.attempt == 1
    assert len(world.folder.lines("applied ws-acme--lab")) == 1
    assert not trap.exists(), "a forged message runs nothing"
    world.check()


def test_a_queue_that_was_away_costs_time_but_no_work(
    own_valkey: Valkey, make_world: Callable[[Valkey], World]
) -> None:
    world = make_world(own_valkey)
    world.start("watcher")
    world.start("worker")
    world.finish(world.create("before"))
    own_valkey.kill()
    start = time.monotonic()
    operations = [world.create(f"during-{n}") for n in range(5)]
    assert time.monotonic() - start < 10, "calls must not wait for the queue"
    assert {o.state for o in world.finish(*operations, seconds=60)} == {OperationState.SUCCEEDED}
    later = world.create("later")
    own_valkey.forget()
    own_valkey.start()
    world.finish(later)
    wait_until(lambda: world.runtime.queue.send(later))
    world.finish(world.create("after"))
    world.check()


def test_a_database_restart_is_survived(
    own_valkey: Valkey, make_world: Callable[[Valkey], World], own_postgres: Postgres
) -> None:
    world = make_world(own_valkey)
    world.start("watcher")
    world.start("worker")
    operations = [world.create(f"w{n}") for n in range(5)]
    own_postgres.stop()
    with pytest.raises(Unavailable) as away:
        world.create("never")
    assert away.value.retry_after
    time.sleep(1)
    own_postgres.start()
    assert {o.state for o in world.finish(*operations)} == {OperationState.SUCCEEDED}
    (after,) = world.finish(world.create("after"))
    assert after.state is OperationState.SUCCEEDED
    world.check()


def test_a_rolling_restart_under_load_fails_nothing(own_valkey: Valkey, make_world: Callable[[Valkey], World]) -> None:
    world = make_world(own_valkey)
    world.start("watcher")
    world.start("worker")
    operations = [world.create(f"w{n}") for n in range(30)]
    wait_until(lambda: bool(world.folder.lines("applied")))
    assert world.end("worker", signal.SIGTERM) == 0
    world.start("worker")
    assert {o.state for o in world.finish(*operations)} == {OperationState.SUCCEEDED}
    assert len(world.folder.lines("applied")) == 30
    world.check()


def test_what_always_kills_its_worker_is_parked_and_the_rest_goes_on(
    own_valkey: Valkey, make_world: Callable[[Valkey], World]
) -> None:
    world = make_world(own_valkey)
    world.folder.fail_at("objects", always=True)
    world.start("watcher")
    poison = world.create("poison")
    for _ in range(6):
        world.start("worker", "the-worker")
        assert world.died("worker") == -signal.SIGKILL
    world.start("worker", "the-worker")
    (parked,) = world.finish(poison)
    assert parked.state is OperationState.PARKED
    assert world.state("poison") is WorkspaceState.FAILED
    (world.folder.path / "failpoint").unlink()
    (good,) = world.finish(world.create("good"))
    assert good.state is OperationState.SUCCEEDED
    with world.runtime.work(system("test")) as work:
        OperationService(work).retry(poison)
    (again,) = world.finish(poison)
    assert again.state is OperationState.SUCCEEDED
    world.check()


def test_only_one_watcher_leads_and_another_follows(own_valkey: Valkey, make_world: Callable[[Valkey], World]) -> None:
    world = make_world(own_valkey)
    world.start("watcher")
    log = world.folder.path / "watcher.log"
    wait_until(lambda: "leading" in log.read_text())
    first = world._children.pop("watcher")
    world.start("watcher")
    time.sleep(3)
    assert log.read_text().count('"leading"') == 1
    first.kill()
    first.wait(10)
    wait_until(lambda: log.read_text().count('"leading"') == 2)
