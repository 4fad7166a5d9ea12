"""The watcher: one of them leads, and does what has to be done from time to time.

- sweeper: tells the queue of operations that are due or whose worker died (every second);
- drift: a watch on the cluster asks for a repair of what somebody changed; every few minutes everything is compared;
- following: model endpoints move to the version that their model's alias points to (every few seconds);
- sleep: endpoints that nobody calls are stopped (several times a minute), and started by a call (every second);
- searches: Katib's experiments and trials become runs of MLflow (every few seconds);
- cleaning: sessions, kept answers, expired requests, members and workspaces.

The leader holds a lock of a PostgreSQL session; when it dies, the lock goes with its connection.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from controlplane import logs
from controlplane import settings as settings_module
from controlplane.auth import repository as auth
from controlplane.errors import ControlPlaneError
from controlplane.experiments.keeper import SearchKeeper
from controlplane.http import repository as idempotency
from controlplane.members import repository as members
from controlplane.members.service import remove as remove_member
from controlplane.operations.sweeper import Sweeper
from controlplane.reconcile.model import Drift
from controlplane.requests.service import expire as expire_requests
from controlplane.runtime import Runtime, system
from controlplane.serving.follower import AliasFollower
from controlplane.serving.keeper import SleepKeeper
from controlplane.tenants import repository as tenants
from controlplane.tenants.objects import TenantObjects
from controlplane.tenants.people import People
from controlplane.workspaces.ports import Reconciler
from controlplane.workspaces.repair import expire_workspaces, repair, resync

log = logging.getLogger(__name__)
_LOCK = 0x6D6C7077
"""Key of the leader's advisory lock."""
_ANSWERS_KEPT = timedelta(hours=24)


class Watch(Protocol):
    """The watch on the cluster: `controlplane.reconcile.watch` has the real one."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Leadership:
    """The advisory lock, held by a connection of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether we lead now: takes the lock where it is free, notices where the connection was lost."""
        try:
            if self._connection is None:
                self._connection = self._runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                if not self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
                    self.release()
                    return False
                log.info("leading")
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            log.warning("leadership lost with the database connection")
            self.release()
            return False
        return True

    def release(self) -> None:
        """The connection is closed, not given back to the pool: the lock must go."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


_SEARCHES_SECONDS = 5.0
"""A trial that has ended is a run in MLflow within about this time."""
_SLEEP_SECONDS, _WAKE_SECONDS = 15.0, 1.0
_LAST_SECONDS = 10.0
"""How long what is under way may take to end once the watcher is told to stop."""
_QUEUES_SECONDS = 5.0
"""A changed quota reaches the tenant's queue within this time."""


@dataclass
class Duty:
    """Something done every `seconds`."""

    name: str
    seconds: float
    work: Callable[[], object]
    due: float = 0.0


class Watcher:
    """`run` returns after `stop`. An error of one duty is logged and the duty comes round again."""

    def __init__(
        self,
        runtime: Runtime,
        reconciler: Reconciler,
        watch: Callable[[], Watch] | None = None,
        *,
        people: People | None = None,
        queues: TenantObjects | None = None,
        follower: AliasFollower | None = None,
        searches: SearchKeeper | None = None,
        sleep: SleepKeeper | None = None,
    ) -> None:
        """`watch` makes the watch on the cluster; None: only the comparison every few minutes finds drift. `people`
        None: nobody keeps the list of their groups. `queues` None: no component gives tenants anything.
        `follower` and `sleep` None: there are no model endpoints. `searches` None: there is no tuning."""
        self._runtime = runtime
        self._reconciler = reconciler
        self._make_watch = watch
        self._people = people
        self._watch: Watch | None = None
        self._leadership = Leadership(runtime)
        self._stop = threading.Event()
        sweeper = Sweeper(runtime)
        settings = runtime.settings
        self._duties = [
            Duty("sweep", settings.sweep_seconds, sweeper.sweep),
            Duty("clean", 60.0, self.clean),
            Duty("expire", 15.0, self.expire),
        ]
        if queues is not None:
            self._duties.append(Duty("queues", _QUEUES_SECONDS, queues.compare))
        self._resync = Duty("resync", settings.resync_seconds, self.resync)
        self._beside: list[Duty] = []
        if follower is not None:
            self._beside.append(Duty("follow", settings.follow_seconds, lambda: follower.look(self._idle)))
        if sleep is not None:
            self._beside.append(Duty("sleep", _SLEEP_SECONDS, lambda: sleep.look(self._idle)))
            self._beside.append(Duty("wake", _WAKE_SECONDS, lambda: sleep.wake(self._idle)))
        if searches is not None:
            self._beside.append(Duty("searches", _SEARCHES_SECONDS, lambda: searches.look(self._idle)))
        self._leading = False

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Lead where possible, and do what is due. What is done beside is awaited in the end, for some seconds."""
        beside = [threading.Thread(target=self._compare, name="resync", daemon=True)]
        beside += [
            threading.Thread(target=self._do_beside, args=(duty,), name=duty.name, daemon=True) for duty in self._beside
        ]
        for thread in beside:
            thread.start()
        pause = 0.0
        while not self._stop.wait(pause):
            self._leading = self._leads()
            if not self._leading:
                self._end_watch()
                pause = 2.0
                continue
            pause = self._runtime.settings.sweep_seconds / 2
            self._begin_watch()
            for duty in self._duties:
                self._do(duty)
        self._end_watch()
        deadline = time.monotonic() + _LAST_SECONDS
        for thread in beside:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._leadership.release()

    def _leads(self) -> bool:
        return self._leadership.held()

    def _begin_watch(self) -> None:
        if self._watch is None and self._make_watch is not None:
            self._watch = self._make_watch()
            self._watch.start()

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _compare(self) -> None:
        """In a thread of its own: comparing a thousand workspaces must not hold up the sweeper."""
        while not self._stop.wait(1.0):
            if self._watch is not None or self._make_watch is None:
                self._do(self._resync)

    def _idle(self) -> bool:
        """Whether it is not for us to work."""
        return self._stop.is_set() or not self._leading

    def _do_beside(self, duty: Duty) -> None:
        """In a thread of its own: MLflow may be slow. Two that work for a moment do the same, so nothing is lost."""
        while not self._stop.wait(0.5):
            if self._leading:
                self._do(duty)

    def _do(self, duty: Duty) -> None:
        if time.monotonic() < duty.due:
            return
        duty.due = time.monotonic() + duty.seconds
        try:
            duty.work()
        except ControlPlaneError as error:
            log.warning("a duty failed and comes round again", extra={"duty": duty.name, "cause": str(error)})
        except Exception:
            log.exception("a duty failed and comes round again", extra={"duty": duty.name})

    def on_drift(self, drift: Drift) -> None:
        """Told by the watch: something in a workspace is not as wanted. It tells again what raises here."""
        with logs.bound(namespace=drift.namespace):
            queued = repair(self._runtime, drift.namespace)
            log.info("drift", extra={"object": drift.object, "by": drift.manager, "operation": str(queued or "")})

    def resync(self) -> None:
        """Compare the list of people's groups and every workspace with the cluster; mend and queue repairs."""
        if self._people is not None:
            self._people.keep()
        resync(self._runtime, self._reconciler, self._stop.is_set)

    def expire(self) -> None:
        """What has run out: requests, memberships, workspaces."""
        with self._runtime.work(system("watcher")) as work:
            expire_requests(work)
        with self._runtime.work(system("watcher")) as work:
            for row in members.expired(work.session, work.now):
                tenant = tenants.by_id(work.session, row.tenant_id)
                if tenant is not None:
                    remove_member(work, tenant, row)
        expire_workspaces(self._runtime)

    def clean(self) -> None:
        """Sessions that are over, failures long past, answers nobody asks for again."""
        with self._runtime.work(system("watcher")) as work:
            idle = timedelta(minutes=work.settings.session_idle_minutes)
            auth.clean(
                work.session, now=work.now, idle_before=work.now - idle, failures_before=work.now - timedelta(hours=1)
            )
            idempotency.clean(work.session, work.now - _ANSWERS_KEPT)


def main() -> None:
    """`python -m controlplane.watcher`."""
    from controlplane.wiring import (
        make_follower,
        make_people_role,
        make_reconciler,
        make_searches,
        make_sleep_keeper,
        make_tenant_reconciler,
        make_watch,
    )

    settings = settings_module.load(os.environ)
    logs.init(settings.log_level)
    runtime = Runtime.make(settings.model_copy(update={"database_pool": 3}))
    reconciler, people = make_reconciler(settings), People(runtime, make_people_role())
    queues = TenantObjects(runtime, make_tenant_reconciler(settings))
    watcher = Watcher(
        runtime,
        reconciler,
        lambda: make_watch(watcher.on_drift),
        people=people,
        queues=queues,
        follower=make_follower(settings),
        searches=make_searches(settings),
        sleep=make_sleep_keeper(runtime),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watcher.stop())
    watcher.run()


if __name__ == "__main__":
    main()
