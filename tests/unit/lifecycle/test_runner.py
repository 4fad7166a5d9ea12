"""Running steps: order, record, events, and what a failure leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.installation.home import Home
from infra.installation.record import Recorder, read_record
from infra.lifecycle.errors import StepFailed
from infra.lifecycle.progress import Event
from infra.lifecycle.runner import Say, Step, run
from infra.plan.steps import PlannedStep


def planned(name: str) -> PlannedStep:
    return PlannedStep(name, name.title(), 5)


def test_a_failure_stops_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    home = Home("test", tmp_path)
    home.create()
    done: list[str] = []
    broken = [True]

    def second(say: Say) -> None:
        say("asking")
        if broken.pop():
            raise OSError("disk is full")
        done.append("second")

    work = [
        Step(planned("first"), lambda _: done.append("first")),
        Step(planned("second"), second),
        Step(planned("third"), lambda _: done.append("third")),
    ]
    events: list[Event] = []
    with pytest.raises(StepFailed, match="Second failed: disk is full") as caught:
        run(work, Recorder(home), events.append)
    assert isinstance(caught.value.__cause__, OSError)
    assert done == ["first"]
    assert [(e.step, e.kind) for e in events] == [
        ("first", "started"), ("first", "done"), ("second", "started"), ("second", "update"), ("second", "failed"),
    ]  # fmt: skip
    assert {name: s.state for name, s in read_record(home).steps.items()} == {"first": "done", "second": "failed"}
    broken.append(False)
    run(work, Recorder(home), events.append)
    assert done == ["first", "first", "second", "third"]


def test_an_interrupt_is_recorded_and_passes_through(tmp_path: Path) -> None:
    home = Home("test", tmp_path)
    home.create()

    def stop(_: Say) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([Step(planned("one"), stop)], Recorder(home), lambda _: None)
    assert read_record(home).steps["one"].state == "failed"


def test_what_is_known_of_a_step_counts_more_than_what_it_took_before(tmp_path: Path) -> None:
    home = Home("test", tmp_path)
    home.create()
    events: list[Event] = []
    run([Step(planned("tools"), lambda say: say("busy"), lambda: 1200)], Recorder(home), events.append)
    run([Step(planned("tools"), lambda say: say("busy"), lambda: 0)], Recorder(home), events.append)
    assert [event.expected for event in events] == [1200] * 3 + [0] * 3


def test_a_step_that_cannot_say_how_long_it_takes_has_failed(tmp_path: Path) -> None:
    home = Home("test", tmp_path)
    home.create()

    def unknown() -> float:
        raise OSError("the cache cannot be read")

    with pytest.raises(StepFailed, match="the cache cannot be read"):
        run([Step(planned("tools"), lambda _: None, unknown)], Recorder(home), lambda _: None)
    assert read_record(home).steps["tools"].state == "failed"
