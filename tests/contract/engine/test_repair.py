"""Runs killed in the middle of making things in a cloud, and `platform repair` after them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.engine import retries
from infra.engine.errors import CreationsUnknown, ResourcesFailed
from infra.lifecycle.repair import Repair
from tests.clouds_support.harness import STACK, Cloud
from tests.clouds_support.small import Pair, cloud_at, state_at
from tests.clouds_support.store import Fault
from tests.contract.engine.conftest import Run

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning")]

Start = Callable[[Path, str], Run]


def killed(folder: Path, start: Start, *faults: Fault, state: str = "home", wait_for: str = "network") -> Cloud:
    """A cloud whose first `up` was killed while it made what the faults hold up."""
    cloud = cloud_at(folder, state)
    cloud.store.show(*faults)
    run = start(folder, state)
    run.wait_for(wait_for)
    _until(lambda: wait_for in {each.resource.name for each in cloud.engine.pending(STACK)})
    if any(fault.after for fault in faults):
        _until(lambda: wait_for in {each.name for each in cloud.store.things()})
    run.kill()
    cloud.store.show()
    return cloud


@pytest.mark.parametrize("made", [True, False], ids=["made", "not made"])
def test_what_has_a_known_id_is_taken_up_by_the_next_run(tmp_path: Path, start: Start, made: bool) -> None:
    cloud = cloud_at(tmp_path, "home")
    cloud.store.show(Fault("create", kind="s3/bucket", seconds=60, after=made))
    run = start(tmp_path, "home")
    run.wait_for("bucket")
    _until(lambda: any(each.name == "network" for each in cloud.store.things()))
    if made:
        _until(lambda: any(each.name == "bucket" for each in cloud.store.things()))
    _until(lambda: [each.resource.name for each in cloud.engine.pending(STACK)] == ["bucket"])
    run.kill()
    cloud.store.show()
    assert [each.resource.name for each in cloud.engine.pending(STACK)] == ["bucket"]

    cloud.up(Pair())

    assert sorted(each.name for each in cloud.store.things()) == ["bucket", "network"]
    assert [entry.name for entry in cloud.journal("create")].count("bucket") == 1
    assert not cloud.up(Pair()).changed


def test_what_has_no_known_id_waits_for_a_person(tmp_path: Path, start: Start) -> None:
    cloud = killed(tmp_path, start, Fault("create", kind="ec2/vpc", seconds=60, after=True))
    with pytest.raises(CreationsUnknown, match="creating aws:ec2/vpc:Vpc network") as refused:
        cloud.up(Pair())
    assert "platform repair" in refused.value.remedy

    found = Repair(cloud.engine).look()
    unknown = [damage for damage in found if not damage.mends]
    assert [damage.key for damage in unknown] == ["aws:ec2/vpc:Vpc/network"]
    assert Repair(cloud.engine).mend(found)[0].key == "aws:ec2/vpc:Vpc/network"
    with pytest.raises(CreationsUnknown):
        cloud.up(Pair())

    for thing in cloud.store.things():
        if thing.name == "network":
            cloud.store.drop(thing.kind, thing.id)
    work = Repair(cloud.engine, forget=["network"])
    assert work.mend(work.look()) == ()
    cloud.up(Pair())
    assert sorted(each.name for each in cloud.store.things()) == ["bucket", "network"]
    assert not cloud.up(Pair()).changed


def test_a_dead_lock_of_this_machine_goes_and_that_of_another_only_by_name(
    tmp_path: Path, state: str, start: Start
) -> None:
    cloud = killed(tmp_path / "one", start, Fault("create", kind="ec2/vpc", seconds=60), state=state)
    folder = state_at(state)
    assert folder is not None
    (lock,) = cloud.engine.locks(STACK)
    assert lock.dead
    held = json.loads(folder.read(lock.name) or "")
    work = Repair(cloud.engine, forget=["network"])
    assert work.mend(work.look()) == ()
    assert cloud.engine.locks(STACK) == ()

    folder.write(lock.name, json.dumps({**held, "hostname": "elsewhere", "username": "ada"}))
    assert [damage.key for damage in Repair(cloud.engine).mend(Repair(cloud.engine).look())] == ["ada@elsewhere"]
    named = Repair(cloud.engine, lock_of="ada@elsewhere")
    assert named.mend(named.look()) == ()
    cloud.up(Pair())


def test_what_a_cloud_refuses_for_a_while_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.1, 0.1))
    cloud = cloud_at(tmp_path, "home")
    throttled = "operation error EC2: CreateVpc, api error RequestLimitExceeded: Request limit exceeded."
    cloud.store.show(Fault("create", kind="ec2/vpc", message=throttled, times=2))
    made = cloud.up(Pair())
    assert made.counts == {"create": 2}
    assert sum("is throttled; trying again" in event.text for event in cloud.events) == 2
    assert not cloud.up(Pair()).changed

    other = cloud_at(tmp_path / "other", "home")
    other.store.show(Fault("create", kind="ec2/vpc", message=throttled, times=9))
    with pytest.raises(ResourcesFailed, match="RequestLimitExceeded"):
        other.up(Pair())
    denied = cloud_at(tmp_path / "denied", "home")
    denied.store.show(Fault("create", kind="ec2/vpc", message="api error VpcLimitExceeded: no more", times=1))
    with pytest.raises(ResourcesFailed, match="VpcLimitExceeded"):
        denied.up(Pair())
    assert not any("trying again" in event.text for event in denied.events)


def _until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not _safely(true):
        if time.monotonic() > deadline:
            raise AssertionError("it never came to that")
        time.sleep(0.1)


def _safely(true: Callable[[], bool]) -> bool:
    """Files may be read while they are written."""
    try:
        return true()
    except (OSError, ValueError, KeyError):
        return False
