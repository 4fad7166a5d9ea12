"""The watcher's own threads: who leads follows aliases, and nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import pytest

from controlplane.errors import Temporary
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.runtime import Runtime
from controlplane.serving import keeper
from controlplane.serving.follower import AliasFollower, Round
from controlplane.serving.keeper import SleepKeeper
from controlplane.settings import Settings
from controlplane.watcher import Watcher
from tests.contract.controlplane.cluster import MemoryCluster, wait_until

pytestmark = pytest.mark.contract


class Rounds(AliasFollower):
    """Counts its rounds; the first one fails."""

    def __init__(self) -> None:
        self.looks = 0
        self.stopped: Callable[[], bool] = lambda: False

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Round:
        self.looks += 1
        self.stopped = stopped
        if self.looks == 1:
            raise Temporary("the API server does not answer")
        return Round(0, 0, 0)


def test_the_leader_follows_aliases_and_goes_on_after_a_failure(settings: Settings) -> None:
    quick = settings.model_copy(update={"sweep_seconds": 0.1, "follow_seconds": 0.1})
    first, second = Rounds(), Rounds()
    watchers = []
    for follower in (first, second):
        runtime = Runtime.make(quick)
        watcher = Watcher(runtime, MemoryCluster(), follower=follower)
        thread = threading.Thread(target=watcher.run)
        thread.start()
        watchers.append((watcher, thread, runtime))
        if follower is first:
            wait_until(lambda: first.looks >= 2)
    assert not first.stopped()
    assert second.looks == 0, "one leads"
    watchers[0][0].stop()
    watchers[0][1].join(30)
    assert first.stopped(), "a round that is under way is told to end"
    wait_until(lambda: second.looks >= 2)
    watchers[1][0].stop()
    watchers[1][1].join(30)
    for _, _, runtime in watchers:
        runtime.close()


class Naps(SleepKeeper):
    """Counts its rounds."""

    def __init__(self) -> None:
        self.looks = self.wakes = 0

    def look(self, stopped: Callable[[], bool] = lambda: False) -> keeper.Round:
        self.looks += 1
        raise Temporary("the API server does not answer")

    def wake(self, stopped: Callable[[], bool] = lambda: False) -> int:
        self.wakes += 1
        return 0


def test_the_leader_wakes_endpoints_also_where_it_cannot_look_at_them(settings: Settings) -> None:
    runtime, naps = Runtime.make(settings.model_copy(update={"sweep_seconds": 0.1})), Naps()
    watcher = Watcher(runtime, MemoryCluster(), sleep=naps)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    wait_until(lambda: naps.wakes >= 2)
    watcher.stop()
    thread.join(30)
    runtime.close()
    assert naps.looks == 1, "several times a minute"


class SlowCluster(MemoryCluster):
    """Is asked about all workspaces, and takes its time to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answered = threading.Event(), False

    def suspects(self, specs: Iterable[WorkspaceSpec], stopped: Callable[[], bool]) -> tuple[WorkspaceSpec, ...]:
        self.asked.set()
        time.sleep(1.5)
        self.answered = True
        return ()


def test_a_comparison_that_is_under_way_ends_before_the_watcher(settings: Settings) -> None:
    runtime, cluster = Runtime.make(settings.model_copy(update={"sweep_seconds": 0.1})), SlowCluster()
    watcher = Watcher(runtime, cluster)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    assert cluster.asked.wait(30)
    watcher.stop()
    thread.join(30)
    runtime.close()
    assert cluster.answered
