"""When schedules come round, in the time zone they are written in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controlplane.contents.reading import pipelines
from controlplane.contents.reading.cron import next_time

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""A Friday."""


@pytest.mark.parametrize(
    ("schedule", "moment"),
    [
        ("* * * * *", "2026-01-02T03:05"),
        ("0 3 * * *", "2026-01-03T03:00"),
        ("4 3 * * *", "2026-01-03T03:04"),
        ("*/15 * * * *", "2026-01-02T03:15"),
        ("30 8-17/3 * * mon-fri", "2026-01-02T08:30"),
        ("0 0 1 * *", "2026-02-01T00:00"),
        ("0 0 29 feb ?", "2028-02-29T00:00"),
        ("0 0 13 * FRI", "2026-01-09T00:00"),
        ("0 0 */2 * 0", "2026-01-03T00:00"),
        ("0 12 1,15 6 *", "2026-06-01T12:00"),
        ("5/20 * * * *", "2026-01-02T03:05"),
        ("@daily", "2026-01-03T00:00"),
        ("@weekly", "2026-01-04T00:00"),
    ],
)
def test_the_next_time(schedule: str, moment: str) -> None:
    assert next_time([schedule], "", NOW) == datetime.fromisoformat(f"{moment}Z")


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "60 * * * *", "* * 0 * *", "* * * * 7", "a * * * *", "5-1 * * * *", "*/0 * * * *",
                 "@every 1h", "0 0 31 2 *"],
)  # fmt: skip
def test_what_cannot_be_told_is_none(schedule: str) -> None:
    assert next_time([schedule], "", NOW) is None


def test_the_first_of_several_counts() -> None:
    assert next_time(["0 9 * * *", "0 5 * * *"], "", NOW) == datetime(2026, 1, 2, 5, tzinfo=UTC)
    assert next_time([], "", NOW) is None


def test_zones_and_their_clocks() -> None:
    assert next_time(["0 3 * * *"], "Europe/Berlin", NOW) == datetime(2026, 1, 3, 2, tzinfo=UTC)
    before_summer = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert next_time(["30 2 * * *"], "Europe/Berlin", before_summer) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    assert next_time(["0 3 * * *"], "Mars/Olympus", NOW) is None
    assert next_time(["0 3 * * *"], "../../etc/passwd", NOW) is None


def test_a_schedule_that_rests_has_no_next_time() -> None:
    active = {"spec": {"schedule": "0 3 * * *"}, "status": {}}
    assert pipelines.next_at(active, NOW) == datetime(2026, 1, 3, 3, tzinfo=UTC)
    assert pipelines.next_at({"spec": {"schedules": ["0 3 * * *"], "suspend": True}}, NOW) is None
    assert pipelines.next_at({**active, "status": {"phase": "Stopped"}}, NOW) is None
