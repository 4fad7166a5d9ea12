"""When an endpoint sleeps, and who is told of calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.serving.names import WAKING
from controlplane.contents.reading.endpoints import inference_service
from controlplane.errors import Unavailable
from controlplane.gate.endpoints import CachedEndpoints
from controlplane.gate.model import Refusal
from controlplane.gate.serving import EndpointCall, EndpointGate, judged
from controlplane.gate.uses import EndpointUses
from controlplane.serving.endpoints import Endpoint, endpoint, shares
from controlplane.serving.sleep import SLACK, asleep, awake, falls_asleep, sleeper, tidied
from tests.unit.controlplane.test_endpoints import IRIS, URI, WHO, Calls, Reader, canary, of

READY = "2026-01-02T03:00:00Z"
AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
IDLE, STOP, ASLEEP = "mlp.io/idle-minutes", "serving.kserve.io/stop", "mlp.io/asleep"


def obj(ready: str = "True", labels: dict[str, str] | None = None, **notes: str) -> dict[str, Any]:
    names = {"idle": IDLE, "stop": STOP, "asleep": ASLEEP}
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": READY}
    return {
        "metadata": {
            "namespace": "ws-acme--lab", "name": "iris", "resourceVersion": "7", "labels": labels or {},
            "annotations": {names[key]: value for key, value in notes.items()},
        },
        "status": {"conditions": [condition]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "minutes"),
    [("1", 1), ("30", 30), ("99999", 99999), ("100000", 0), ("0", 0), ("-5", 0), ("5m", 0), ("", 0)],
)
def test_idle_time_is_whole_minutes_or_none(said: str, minutes: int) -> None:
    assert endpoint(obj(idle=said)).idle_minutes == minutes


def test_a_canary_does_not_sleep() -> None:
    assert endpoint(obj(labels={"mlp.io/canary-of": "other"}, idle="5")).idle_minutes == 0


def test_only_what_the_platform_stopped_is_asleep() -> None:
    assert endpoint(obj(stop="true", asleep="true")).asleep
    assert not endpoint(obj(stop="true")).asleep, "a person stopped it"
    assert not endpoint(obj(asleep="true")).asleep, "it runs"
    assert sleeper(obj(asleep="true")).left
    assert not sleeper(obj(stop="true", asleep="true")).left


def test_it_sleeps_once_it_was_neither_called_nor_started_for_its_time() -> None:
    found, time = sleeper(obj(idle="30")), timedelta(minutes=30) + SLACK
    second = timedelta(seconds=1)
    early = AT - timedelta(hours=5)
    assert falls_asleep(found, early, AT + time)
    assert not falls_asleep(found, early, AT + time - second), "it only just became ready"
    called = AT + timedelta(hours=1)
    assert not falls_asleep(found, called, called + time - second)
    assert falls_asleep(found, called, called + time)


@pytest.mark.parametrize("which", [obj(), obj("False", idle="1"), obj(idle="1", stop="true"), obj(idle="none")])
def test_what_never_sleeps_or_does_not_run_is_left_alone(which: dict[str, Any]) -> None:
    assert not falls_asleep(sleeper(which), AT, AT + timedelta(days=300))


def test_changes_are_bound_to_what_was_looked_at() -> None:
    found = sleeper(obj(idle="1"))
    assert asleep(found)["metadata"] == {"resourceVersion": "7", "annotations": {STOP: "true", ASLEEP: "true"}}
    assert awake(found)["metadata"] == {"resourceVersion": "7", "annotations": {STOP: None, ASLEEP: None}}
    assert tidied(found)["metadata"] == {"resourceVersion": "7", "annotations": {ASLEEP: None}}


def test_sleep_is_said_in_words() -> None:
    status = inference_service(obj(stop="true", asleep="true", idle="30"))
    assert (status.state, status.reason) == (
        "stopped", "It sleeps: nobody called it for 30 minutes. The next call starts it.",
    )  # fmt: skip
    assert inference_service(obj(stop="true", idle="30")).reason == "It was stopped. Resume it to serve again."


class Written:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bool]] = []
        self.away = False

    def __call__(self, namespace: str, endpoint: str, asleep: bool) -> None:
        self.calls.append((namespace, endpoint, asleep))
        if self.away:
            raise Unavailable("the database is away")


def test_calls_are_written_down_once_in_ten_seconds_and_wishes_in_two() -> None:
    now, written = [0.0], Written()
    uses = EndpointUses(written, size=2, clock=lambda: now[0])
    for _ in range(3):
        uses.called("ws-acme--lab", "iris", asleep=False)
        uses.called("ws-acme--lab", "iris", asleep=True)
    assert written.calls == [("ws-acme--lab", "iris", False), ("ws-acme--lab", "iris", True)]
    now[0] = 2.0
    uses.called("ws-acme--lab", "iris", asleep=False)
    uses.called("ws-acme--lab", "iris", asleep=True)
    now[0], written.away = 10.0, True
    uses.called("ws-acme--lab", "iris", asleep=False)
    assert [asleep for _, _, asleep in written.calls] == [False, True, True, False]
    uses.called("ws-acme--lab", "other", asleep=False)
    uses.called("ws-acme--lab", "third", asleep=False)
    uses.called("ws-acme--lab", "iris", asleep=False)
    assert len(written.calls) == 7, "only so many are remembered"


def _gate(*endpoints: Endpoint) -> tuple[EndpointGate, Written]:
    written = Written()
    return EndpointGate(Calls(), CachedEndpoints(Reader(*endpoints)), lambda: 0.0, EndpointUses(written)), written


def test_a_call_wakes_what_sleeps_and_is_told_to_come_again() -> None:
    gate, written = _gate(Endpoint("iris", False, stopped=True, asleep=True, idle_minutes=5), canary("a", 100))
    assert judged(WHO, URI, gate) == Refusal(503, WAKING)
    assert written.calls == [("ws-acme--lab", "iris", True)]


def test_calls_count_where_somebody_wants_to_know_also_those_that_a_canary_answers() -> None:
    gate, written = _gate(Endpoint("iris", True, idle_minutes=5), canary("a", 100))
    call = judged(WHO, URI, gate)
    assert isinstance(call, EndpointCall)
    assert call.target.name == "a"
    assert written.calls == [("ws-acme--lab", "iris", False)]
    gate, written = _gate(IRIS)
    judged(WHO, URI, gate)
    judged(WHO, URI.replace("iris/v2", "other/v2"), gate)
    assert written.calls == []


def test_what_a_person_stopped_stays_stopped() -> None:
    gate, written = _gate(Endpoint("iris", False, stopped=True))
    assert isinstance(judged(WHO, URI, gate), EndpointCall), "nobody answers there"
    assert written.calls == []


def test_canaries_of_what_sleeps_get_no_calls() -> None:
    assert shares(of(Endpoint("iris", False, stopped=True, asleep=True), canary("a", 100)), "iris") == {}
