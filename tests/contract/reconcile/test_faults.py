"""A slow, failing, throttling and vanishing API server between the reconciler and the real one."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import pytest
import yaml
from lightkube.config.client_adapter import verify_cluster

from components.names import CONTROL_PLANE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE
from controlplane.errors import Temporary
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.transport import Patience, load_config
from controlplane.reconcile.deletion import Wait
from controlplane.reconcile.errors import NamespaceEnding
from controlplane.reconcile.service import Reconciler
from tests.contract.reconcile.world import FACTS, RememberedStorage, World, some_spec

pytestmark = pytest.mark.contract


@dataclass
class Weather(httpx2.BaseTransport):
    """What happens to requests on their way; `rate` of them meet trouble."""

    inner: httpx2.BaseTransport
    seed: int
    rate: float = 0.0
    down: bool = False
    lose_answers: bool = False
    """The request is done and its answer is lost."""
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - which requests fail, not a secret

    def close(self) -> None:
        self.inner.close()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        with self.lock:
            self.requests += 1
            trouble, kind = self.chance.random() < self.rate, self.chance.choice(["500", "503", "429", "cut", "slow"])
        if self.down:
            raise httpx2.ConnectError("connection refused", request=request)
        if trouble and kind in ("500", "503", "429"):
            return httpx2.Response(int(kind), json={"message": "trouble"}, headers={"Retry-After": "0.05"})
        if trouble and kind == "slow":
            time.sleep(0.2)
        answer = self.inner.handle_request(request)
        if trouble and (kind == "cut" or self.lose_answers):
            answer.read()
            answer.close()
            raise httpx2.ReadError("the connection was cut", request=request)
        return answer


@pytest.fixture
def weather(world: World, tmp_path: Path) -> Iterator[tuple[Weather, Reconciler]]:
    token = world.server.service_account_token(SYSTEM_NAMESPACE, CONTROL_PLANE_SERVICE_ACCOUNT)
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(world.server.kubeconfig_with_token(token)))
    config = load_config(path)
    assert config.user is not None
    inner = httpx2.HTTPTransport(verify=verify_cluster(config.cluster, config.user, config.abs_file))
    made = Weather(inner, secrets.randbits(32))
    kube = Kube.connect(path, transport=made, patience=Patience(timeout=5, total=10, attempts=8, longest_pause=0.2))
    reconciler = Reconciler(kube, RememberedStorage(), FACTS)
    yield made, reconciler
    reconciler.close()
    kube.close()


@pytest.mark.parametrize("lose_answers", [False, True])
def test_one_request_in_five_failing_is_ridden_out(
    weather: tuple[Weather, Reconciler], world: World, lose_answers: bool
) -> None:  # fmt: skip
    sky, reconciler = weather
    print(f"seed {sky.seed}")  # noqa: T201 - shown by pytest when the test fails
    sky.rate, sky.lose_answers = 0.2, lose_answers
    for _ in range(3):
        spec = some_spec()
        assert reconciler.apply(spec).ready
        sky.rate = 0.0
        again = reconciler.apply(spec)
        assert (again.writes, again.drift) == (0, ()), "one of everything, in spite of repeated requests"
        sky.rate = 0.2


def test_an_api_server_that_goes_away_is_temporary_and_not_stormed(
    weather: tuple[Weather, Reconciler], world: World
) -> None:  # fmt: skip
    sky, reconciler = weather
    spec = some_spec()

    def report(step: str, message: str = "") -> None:
        sky.down = step == "objects"

    with pytest.raises(Temporary):
        reconciler.apply(spec, report)
    assert sky.requests <= 8 * 30, "each request is tried a bounded number of times"
    before = sky.requests
    with pytest.raises(Temporary):
        reconciler.apply(spec)
    assert sky.requests - before <= 8, "nothing beyond the first request is tried while the server is away"
    sky.down = False
    finished = reconciler.apply(spec)
    assert (finished.ready, finished.drift) == (True, ())


def test_the_same_workspace_by_ten_workers_at_once(world: World) -> None:
    spec = some_spec()
    workers = [Reconciler(world.control_plane, RememberedStorage(), FACTS) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda worker: worker.apply(spec), workers))
    assert all(outcome.ready for outcome in outcomes)
    assert workers[0].apply(spec).writes == 0
    found = world.admin.get(resources.NAMESPACE, None, spec.namespace)
    assert found["metadata"]["labels"]["mlp.io/generation"] == "1"
    for worker in workers:
        worker.close()


def test_a_workspace_of_the_same_name_made_anew_at_once(world: World) -> None:
    """Deleted and created again: the new record waits for the old namespace, and never touches it."""
    worker = Reconciler(world.control_plane, RememberedStorage(), FACTS)
    old = some_spec()
    new = replace(old, uid="new")
    worker.apply(old)
    held, let_go = ({"metadata": {"finalizers": each}} for each in (["example.com/held"], None))
    world.admin.merge(resources.NAMESPACE, None, old.namespace, held)
    assert worker.delete(old, wait=Wait(total=0)).retry
    with pytest.raises(NamespaceEnding) as ending:
        worker.apply(new)
    assert ending.value.waiting
    world.admin.merge(resources.NAMESPACE, None, old.namespace, let_go)
    worker.delete(old, wait=Wait(total=60))
    assert worker.apply(new).ready
    assert not worker.delete(old).retry
    assert world.admin.get(resources.NAMESPACE, None, new.namespace)["metadata"]["annotations"]["mlp.io/uid"] == "new"
    worker.close()
