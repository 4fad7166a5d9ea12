"""What operations do when the cluster, other operations or people get in their way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from controlplane.errors import Permanent, Temporary
from controlplane.operations import repository
from controlplane.operations.runner import LostLease, Runner
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.runtime import system, utc_now
from controlplane.worker import handlers
from controlplane.workspaces.ports import Report
from controlplane.workspaces.repair import expire_workspaces
from tests.contract.controlplane.conftest import SMALL, Caller, System

pytestmark = pytest.mark.contract
LAB = "/tenants/acme/workspaces/lab"


@pytest.fixture
def ada(mlp: System) -> Caller:
    return mlp.caller("ada")


def _create(ada: Caller) -> str:
    change = ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    return str(change["operation"])


def _later(mlp: System, **delta: float) -> None:
    now: datetime = mlp.runtime.clock() + timedelta(**delta)
    mlp.runtime.clock = lambda: now


def _sweep(mlp: System) -> None:
    """What the watcher and the queue do, at once."""
    with mlp.runtime.work(system("test")) as work:
        mlp.queue.sent += [o for o, _ in repository.due(work.session, work.now, work.now)]
    mlp.drain()


def test_a_failing_cluster_is_tried_again_with_growing_pauses(mlp: System, ada: Caller) -> None:
    _later(mlp)  # by a clock that stands still: the first pause is a second at most
    mlp.cluster.fail = [Temporary("the API server does not answer"), Temporary("busy", retry_after=20)]
    operation = _create(ada)
    mlp.drain()
    waiting = ada.get(f"/operations/{operation}")
    assert (waiting["state"], waiting["message"]) == ("waiting", "the API server does not answer")
    assert ada.get(LAB)["state"] == "creating"
    _sweep(mlp)
    assert ada.get(f"/operations/{operation}")["attempt"] == 1, "not due yet"
    _later(mlp, seconds=2)
    _sweep(mlp)
    again = ada.get(f"/operations/{operation}")
    assert again["message"] == "busy"
    due = datetime.fromisoformat(again["due_at"]) - mlp.runtime.clock()
    assert due >= timedelta(seconds=20), "what the other side asked for is heeded"
    _later(mlp, seconds=31)
    _sweep(mlp)
    assert ada.get(f"/operations/{operation}")["state"] == "succeeded"
    assert ada.get(LAB)["state"] == "ready"


def test_what_is_not_ready_yet_is_looked_at_again(mlp: System, ada: Caller) -> None:
    mlp.cluster.not_ready = 2
    operation = _create(ada)
    mlp.drain()
    assert ada.get(f"/operations/{operation}")["message"] == "a quota is not there yet"
    for _ in range(2):
        _later(mlp, seconds=5)
        _sweep(mlp)
    assert ada.get(f"/operations/{operation}")["state"] == "succeeded"


def test_what_cannot_work_fails_at_once_and_can_be_retried(mlp: System, ada: Caller) -> None:
    mlp.cluster.fail = [Permanent("the namespace belongs to somebody else")]
    operation = _create(ada)
    mlp.drain()
    failed = ada.get(f"/operations/{operation}")
    assert (failed["state"], failed["message"]) == ("failed", "the namespace belongs to somebody else")
    assert failed["steps"][-1]["state"] == "failed"
    assert ada.get(LAB)["state"] == "failed"
    mlp.caller("mo").post(f"/operations/{operation}/retry", status=403)
    ada.post(f"/operations/{operation}/retry", status=202)
    mlp.drain()
    assert ada.get(f"/operations/{operation}")["state"] == "succeeded"
    assert ada.get(LAB)["state"] == "ready"
    ada.post(f"/operations/{operation}/retry", status=409)


def test_an_unknown_error_says_so_without_its_text(mlp: System, ada: Caller) -> None:
    mlp.cluster.fail = [ValueError("internal detail")]
    operation = _create(ada)
    mlp.drain()
    waiting = ada.get(f"/operations/{operation}")
    assert waiting["state"] == "waiting"
    assert "internal detail" not in waiting["message"]
    _later(mlp, seconds=3)
    _sweep(mlp)
    assert ada.get(f"/operations/{operation}")["state"] == "succeeded"


def test_deleting_while_creating_waits_for_it_and_then_deletes(mlp: System, ada: Caller) -> None:
    deleted: list[Any] = []

    def delete_now(step: str) -> None:
        if step == "objects" and not deleted:
            deleted.append(ada.delete(LAB))
            mlp.runner.run(UUID(deleted[0]["operation"]))

    mlp.cluster.pause = delete_now
    created = _create(ada)
    mlp.drain()
    assert ada.get(f"/operations/{created}")["state"] == "succeeded"
    assert ada.get(f"/operations/{deleted[0]['operation']}")["state"] == "succeeded"
    assert mlp.cluster.overlaps == 0
    assert mlp.cluster.namespaces == {}
    ada.get(LAB, 404)
    _create(ada)
    mlp.drain()
    assert ada.get(LAB)["state"] == "ready", "the name can be used again"


def test_a_newer_change_takes_over_from_one_that_waits(mlp: System, ada: Caller) -> None:
    mlp.cluster.fail = [Temporary("away")]
    first = _create(ada)
    mlp.drain()
    second = ada.patch(LAB, {"quota": {**SMALL, "cpu": "2"}}, 202)["operation"]
    assert ada.get(f"/operations/{first}")["state"] == "cancelled"
    mlp.drain()
    assert ada.get(f"/operations/{second}")["state"] == "succeeded"
    assert mlp.cluster.namespaces["ws-acme--lab"].quota.cpu == 2000
    assert ada.get(LAB)["observed_generation"] == 2


def test_a_change_during_a_run_is_not_reported_as_done(mlp: System, ada: Caller) -> None:
    changed: list[Any] = []

    def change_now(step: str) -> None:
        if step == "storage" and not changed:
            changed.append(ada.patch(LAB, {"quota": {**SMALL, "cpu": "2"}}, 202)["operation"])

    mlp.cluster.pause = change_now
    _create(ada)
    mlp.runner.run(mlp.queue.sent.pop(0))
    assert ada.get(LAB)["state"] == "creating"
    assert ada.get(LAB)["observed_generation"] == 0
    mlp.drain()
    assert (ada.get(LAB)["state"], ada.get(LAB)["observed_generation"]) == ("ready", 2)


def test_a_blocked_deletion_names_what_blocks_and_goes_on_by_itself(mlp: System, ada: Caller) -> None:
    _create(ada)
    mlp.drain()
    mlp.cluster.blocked = "finalizer example.com/hold on ConfigMap/x"
    operation = ada.delete(LAB)["operation"]
    mlp.drain()
    lab = ada.get(LAB)
    assert lab["state"] == "deleting-blocked"
    assert lab["conditions"][0]["message"] == "finalizer example.com/hold on ConfigMap/x"
    assert ada.get(f"/operations/{operation}")["message"] == "finalizer example.com/hold on ConfigMap/x"
    ada.patch(LAB, {"title": "x"}, 403)
    mlp.cluster.blocked = ""
    _later(mlp, seconds=10)
    _sweep(mlp)
    ada.get(LAB, 404)


def test_a_worker_that_lost_its_lease_writes_nothing(mlp: System, ada: Caller) -> None:
    operation = UUID(_create(ada))
    mlp.queue.sent.clear()
    slow = mlp.runner.claim(operation)
    assert slow is not None
    assert mlp.runner.claim(operation) is None, "a living lease is respected"
    mlp.runner.heart.stop()
    _later(mlp, seconds=60)
    other = Runner(mlp.runtime, handlers(mlp.cluster), "other-worker")
    assert other.run(operation)
    with pytest.raises(LostLease):
        slow.report("objects")
    applied = mlp.cluster.applies
    mlp.runner.execute(slow)
    assert mlp.cluster.applies == applied, "the slow one stopped at its first report"
    done = ada.get(f"/operations/{operation}")
    assert (done["state"], done["attempt"]) == ("succeeded", 2)
    assert ada.get("/tenants/acme/audit/verify")["intact"]
    other.heart.stop()


def test_a_heartbeat_keeps_the_lease(mlp: System, ada: Caller) -> None:
    operation = UUID(_create(ada))
    mlp.queue.sent.clear()
    run = mlp.runner.claim(operation)
    assert run is not None
    _later(mlp, seconds=5)
    with mlp.runtime.work(system("test")) as work:
        assert repository.extend(work.session, operation, run.fence, work.now + timedelta(seconds=8))
        assert not repository.extend(work.session, operation, run.fence - 1, work.now)
    _later(mlp, seconds=5)
    assert mlp.runner.claim(operation) is None
    mlp.runner.execute(run)
    assert ada.get(f"/operations/{operation}")["state"] == "succeeded"


def test_an_expired_workspace_is_suspended_and_keeps_its_data(mlp: System, ada: Caller) -> None:
    end = (utc_now() + timedelta(days=1)).isoformat()
    ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL, "expires_at": end}, 202)
    mlp.drain()
    _later(mlp, days=2)
    assert expire_workspaces(mlp.runtime) == 1
    assert expire_workspaces(mlp.runtime) == 0
    mlp.drain()
    mlp.cluster.pause = lambda step: None
    ada = mlp.caller("ada")
    assert ada.get(LAB)["state"] == "suspended"
    assert mlp.cluster.namespaces["ws-acme--lab"].suspended
    assert ada.post(f"{LAB}/resume", status=403)["code"] == "expired"
    ada.patch(LAB, {"never_expires": True}, 202)
    ada.post(f"{LAB}/resume", status=202)
    mlp.drain()
    assert ada.get(LAB)["state"] == "ready"


def test_a_tenant_that_cannot_be_emptied_waits_and_says_why(mlp: System, ada: Caller) -> None:
    _create(ada)
    mlp.drain()
    root = mlp.caller("root")
    mlp.cluster.fail = [Permanent("the bucket cannot be emptied")]
    operation = root.delete("/tenants/acme")
    mlp.drain()
    waiting = root.get(f"/operations/{operation['id']}")
    assert waiting["state"] == "waiting"
    assert "the bucket cannot be emptied" in waiting["message"]
    (child,) = root.get(f"/operations?parent={operation['id']}")["items"]
    root.post(f"/operations/{child['id']}/retry", status=202)
    mlp.drain()
    assert root.get(f"/operations/{operation['id']}")["state"] == "succeeded"


def test_a_report_after_the_end_of_the_run_is_refused(mlp: System, ada: Caller) -> None:
    kept: list[Report] = []
    apply = mlp.cluster.apply

    def keep(spec: WorkspaceSpec, report: Report) -> Any:
        kept.append(report)
        return apply(spec, report)

    mlp.cluster.apply = keep  # type: ignore[method-assign]
    _create(ada)
    mlp.drain()
    with pytest.raises(LostLease):
        kept[0]("late")
