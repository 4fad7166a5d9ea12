"""The watcher's own threads: who leads follows aliases, and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from controlplane.errors import Temporary
from controlplane.runtime import Runtime
from controlplane.serving.follower import AliasFollower, Round
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
