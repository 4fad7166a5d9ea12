"""What reaches the screen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.cli.output import ago, clock, duration

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        ("2026-01-02T11:59:15+00:00", "45s"),
        ("2026-01-02T11:48:00+00:00", "12m"),
        ("2026-01-02T09:00:00Z", "3h"),
        ("2025-12-24T12:00:00Z", "9d"),
        ("2026-01-03T00:00:00Z", "in 12h"),
        (None, "-"),
    ],
)
def test_times_are_relative(stamp: str | None, text: str) -> None:
    assert ago(stamp, NOW) == text


def test_units_change_where_the_smaller_one_gets_long() -> None:
    assert [duration(s) for s in (0, 119, 120, 7199, 7200, 172799, 172800)] == [
        "0s", "119s", "2m", "119m", "2h", "47h", "2d",
    ]  # fmt: skip
    assert [clock(s) for s in (7.9, 60, 125)] == ["7s", "1m00s", "2m05s"]
