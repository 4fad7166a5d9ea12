"""When servers end by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from components.notebooks.hub.ending import Limits, reason

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = 3600


def _ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("limits", "hub", "started", "active", "said"),
    [
        (Limits(HOUR, 0), 600, 300, 59, ""),
        (Limits(HOUR, 0), 600, 300, 61, "idle for 61 minutes"),
        (Limits(HOUR, 0), 30, 300, 299, ""),
        (Limits(HOUR, 0), 600, 30, None, ""),
        (Limits(HOUR, 0), 600, 61, None, "idle for 61 minutes"),
        (Limits(0, 0), 6000, 6000, 6000, ""),
        (Limits(0, 2 * HOUR), 600, 121, 0, "up for 121 minutes"),
        (Limits(HOUR, 2 * HOUR), 600, 119, 0, ""),
        (Limits(HOUR, 2 * HOUR), 1, 121, 121, "up for 121 minutes"),
    ],
)
def test_reasons(limits: Limits, hub: float, started: float, active: float | None, said: str) -> None:
    last = None if active is None else _ago(active)
    assert reason(limits, NOW, _ago(hub), _ago(started), last) == said
