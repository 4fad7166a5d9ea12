"""When a cron schedule comes round next, by the rules of the parser that Argo uses. Pure.

Five fields (minute, hour, day of the month, month, day of the week) of `*`, `?`, numbers, names, ranges, steps and
lists, or one of `@yearly @monthly @weekly @daily @hourly`. Where both days are narrowed, either is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 6, _DAYS))
_SHORT = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_FAR = 5 * 366
"""Days to look ahead: 29 February comes round within eight years at worst, mostly within four."""


@dataclass(frozen=True)
class _Field:
    values: frozenset[int]
    every: bool
    """Whether it narrows nothing."""


def next_time(schedules: list[str], zone: str, now: datetime) -> datetime | None:
    """The first time after `now`, in UTC, at which one of them comes round. None where none does within five years, one
    cannot be read (`@every` counts from a moment that only Argo knows), or nobody here knows the zone; empty is UTC."""
    try:
        where = ZoneInfo(zone) if zone else UTC
        found = [_next(_fields(schedule), where, now) for schedule in schedules]
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None
    return min((moment for moment in found if moment is not None), default=None)


def _fields(schedule: str) -> tuple[_Field, ...]:
    parts = _SHORT.get(schedule.strip(), schedule).split()
    if len(parts) != len(_BOUNDS):
        raise ValueError(f"{schedule} has {len(parts)} fields, not {len(_BOUNDS)}")
    return tuple(_field(part, *bounds) for part, bounds in zip(parts, _BOUNDS, strict=True))


def _field(text: str, low: int, high: int, names: tuple[str, ...]) -> _Field:
    values: set[int] = set()
    every = False
    for part in text.lower().split(","):
        span, slash, step_text = part.partition("/")
        step = int(step_text) if slash else 1
        first, dash, last = span.partition("-")
        if first in ("*", "?") and not dash:
            start, end = low, high
            every |= step == 1
        else:
            start = _number(first, low, names)
            end = _number(last, low, names) if dash else high if slash else start
        if step < 1 or not low <= start <= end <= high:
            raise ValueError(f"{part} is no part of a schedule between {low} and {high}")
        values.update(range(start, end + 1, step))
    return _Field(frozenset(values), every)


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    return names.index(text) + low if text in names else int(text)


def _next(fields: tuple[_Field, ...], where: tzinfo, now: datetime) -> datetime | None:
    minutes, hours, days, months, weekdays = fields
    times = [time(hour, minute) for hour in sorted(hours.values) for minute in sorted(minutes.values)]
    today = now.astimezone(where).date()
    for ahead in range(_FAR):
        day = today + timedelta(days=ahead)
        if day.month not in months.values or not _is_day(day, days, weekdays):
            continue
        for clock in times:
            moment = datetime.combine(day, clock, where).astimezone(UTC)
            # What the clocks leave out in spring does not come back as it was written.
            if moment > now and moment.astimezone(where).time() == clock:
                return moment
    return None


def _is_day(day: date, days: _Field, weekdays: _Field) -> bool:
    by_month, by_week = day.day in days.values, day.isoweekday() % 7 in weekdays.values
    return by_month and by_week if days.every or weekdays.every else by_month or by_week
