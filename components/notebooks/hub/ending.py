"""When a server ends by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Limits:
    """Seconds; 0 for none."""

    idle: int
    age: int


def reason(
    limits: Limits, now: datetime, hub_started: datetime, started: datetime | None, last_activity: datetime | None
) -> str:
    """Why the server ends now, such as `idle for 61 minutes`; empty where it goes on.

    Servers report their activity each minute. What they did while the hub was away is unknown, so idleness counts from
    the hub's start at the earliest. Times are UTC, all with or all without a zone.
    """
    if limits.age and started is not None and now - started > timedelta(seconds=limits.age):
        return f"up for {_minutes(now - started)} minutes"
    seen = max(time for time in (hub_started, started, last_activity) if time is not None)
    if limits.idle and now - seen > timedelta(seconds=limits.idle):
        return f"idle for {_minutes(now - seen)} minutes"
    return ""


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
