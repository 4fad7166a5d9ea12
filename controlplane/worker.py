"""The worker: takes operation ids from the queue and runs them.

`python -m controlplane.worker` starts it: one process, a few threads. Reconciling waits for other systems, so threads
are enough, and one process holds the least memory. When it is killed its leases run out and others go on.
"""

from __future__ import annotations

import logging
import os
import socket
from uuid import UUID, uuid4

from celery import Celery

from controlplane import logs
from controlplane import settings as settings_module
from controlplane.errors import Unavailable
from controlplane.operations import repository
from controlplane.operations.model import OperationKind
from controlplane.operations.poller import Poller
from controlplane.operations.runner import Handler, Runner
from controlplane.queue import TASK
from controlplane.runtime import Runtime, system
from controlplane.settings import Settings
from controlplane.tenants.objects import TenantObjects, TenantReconciler
from controlplane.tenants.people import People, PeopleRole
from controlplane.tenants.tasks import KINDS as TENANT_KINDS
from controlplane.tenants.tasks import TenantHandler
from controlplane.workspaces.ports import Reconciler
from controlplane.workspaces.tasks import KINDS as WORKSPACE_KINDS
from controlplane.workspaces.tasks import WorkspaceHandler

log = logging.getLogger(__name__)
THREADS = 6


def handlers(
    reconciler: Reconciler, people: People | None = None, queues: TenantObjects | None = None
) -> dict[OperationKind, Handler]:
    """What does what, for every kind there is. `people` None: nobody keeps the list of their groups. `queues` None: no
    component gives tenants anything."""
    workspace: Handler = WorkspaceHandler(reconciler, people, queues)
    tenant: Handler = TenantHandler(people)
    return {**dict.fromkeys(WORKSPACE_KINDS, workspace), **dict.fromkeys(TENANT_KINDS, tenant)}


def make_worker(
    settings: Settings,
    reconciler: Reconciler,
    *,
    runtime: Runtime | None = None,
    tenants: TenantReconciler | None = None,
    role: PeopleRole | None = None,
) -> tuple[Celery, Runner]:
    """The Celery application with its one task, and the runner behind it."""
    held = runtime or Runtime.make(settings)
    people = People(held, role) if role is not None else None
    owner = settings.worker_name or f"{socket.gethostname()}-{uuid4().hex[:8]}"
    queues = TenantObjects(held, tenants) if tenants is not None else None
    runner = Runner(held, handlers(reconciler, people, queues), owner)

    def run_operation(operation: str) -> None:
        try:
            identity = UUID(operation)
        except (ValueError, AttributeError, TypeError):
            log.warning("a message that names no operation was dropped")
            return
        runner.run(identity)

    Poller(held, runner).start()
    held.celery.task(name=TASK, acks_late=True, ignore_result=True)(run_operation)
    if settings.worker_name:
        _end_old_leases(held, owner)
    return held.celery, runner


def _end_old_leases(runtime: Runtime, owner: str) -> None:
    """What this worker held before it was killed can be claimed at once."""
    try:
        with runtime.work(system("worker")) as work:
            work.enqueue.extend(repository.release(work.session, owner, work.now))
    except Unavailable:
        log.warning("database away at start; old leases will run out")


def serve(app: Celery, log_level: str = "INFO") -> None:
    """Work until told to stop."""
    app.worker_main(
        [
            "--quiet", "worker", "--pool=threads", f"--concurrency={THREADS}", "--without-gossip", "--without-mingle",
            "--without-heartbeat", f"--loglevel={log_level}", "--queues=operations",
        ]
    )  # fmt: skip


def main() -> None:
    from controlplane.wiring import make_people_role, make_reconciler, make_tenant_reconciler

    settings = settings_module.load(os.environ)
    logs.init(settings.log_level)
    app, _ = make_worker(
        settings, make_reconciler(settings), role=make_people_role(), tenants=make_tenant_reconciler(settings)
    )
    serve(app, settings.log_level)


if __name__ == "__main__":
    main()
