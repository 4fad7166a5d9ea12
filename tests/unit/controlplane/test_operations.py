"""Backoff and the steps of a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controlplane.operations.backoff import retry_delay, wait_delay
from controlplane.operations.model import StepState
from controlplane.operations.steps import Steps

T0 = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(1, 500), st.floats(0, 1))
def test_delays_grow_within_bounds(attempt: int, chance: float) -> None:
    assert 0.5 <= retry_delay(attempt, chance) <= 30
    assert retry_delay(attempt, chance) <= retry_delay(attempt + 1, 0)
    assert 0.18 <= wait_delay(attempt, chance) <= 30
    assert retry_delay(attempt, 1) == retry_delay(attempt, 0) / 2


def test_a_new_step_ends_the_one_before() -> None:
    steps = Steps()
    steps.report("one", "", T0)
    steps.report("one", "half", T0 + timedelta(seconds=1))
    steps.report("two", "", T0 + timedelta(seconds=2))
    steps.close(StepState.FAILED, "no room", T0 + timedelta(seconds=3))
    steps.close(StepState.DONE, None, T0 + timedelta(seconds=9))
    one, two = steps.steps
    assert (one.state, one.message, one.ended_at) == (StepState.DONE, "half", T0 + timedelta(seconds=2))
    assert (two.state, two.message, two.ended_at) == (StepState.FAILED, "no room", T0 + timedelta(seconds=3))
    steps.report("two", "again", T0 + timedelta(seconds=10))
    assert len(steps.steps) == 3, "an ended step is not woken"
