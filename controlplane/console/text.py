"""Numbers, times and states in words: pure functions, used as template filters."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_UNITS = (("PiB", 2**50), ("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def utc(moment: datetime) -> str:
    """`2026-01-31 13:05:09 UTC`. A time without zone is taken for UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(moment: datetime) -> str:
    """For the `datetime` attribute of <time>."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def relative(moment: datetime, now: datetime) -> str:
    """`just now`, `5 minutes ago`, `in 3 days`. From 60 days on the date itself says more: `2026-01-31`.

    The past is counted in whole units, the future to the nearest: `in 30 days` a moment after asking for 30.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = (now - aware).total_seconds()
    distance = abs(seconds)
    if distance < 10:
        return "just now"
    for limit, size, unit in (
        (_MINUTE, 1, "second"), (_HOUR, _MINUTE, "minute"), (_DAY, _HOUR, "hour"), (60 * _DAY, _DAY, "day"),
    ):  # fmt: skip
        if distance < limit:
            if seconds > 0:
                return f"{plural(int(distance // size), unit)} ago"
            return f"in {plural(round(distance / size), unit)}"
    return aware.astimezone(UTC).strftime("%Y-%m-%d")


def duration(seconds: float) -> str:
    """`<0.1 s`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 0.1:
        return "<0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 tenant`, `2 tenants`, `1,200 tenants`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def cores(millicores: int) -> str:
    """`2 cores`, `1 core`, `0.25 cores`."""
    if millicores == 1000:
        return "1 core"
    return f"{_short(Decimal(millicores) / 1000, 3)} cores"


def size(octets: int) -> str:
    """`4 GiB`, `1.5 GiB`, `0 B`: at most two decimals of the largest unit that is not above it."""
    for unit, factor in _UNITS:
        if octets >= factor:
            return f"{_short(Decimal(octets) / factor, 2)} {unit}"
    return f"{octets} B"


def of(part: str, whole: str) -> str:
    """`8 cores` of `16 cores` as `8 of 16 cores`; a part that is nothing needs no unit: `0 of 64 GiB`."""
    number, _, unit = part.partition(" ")
    same = unit.rstrip("s") == whole.partition(" ")[2].rstrip("s")
    return f"{number if same or number == '0' else part} of {whole}"


def share(part: float, whole: float) -> float:
    """Percent of `whole`, between 0 and 100; 0 where the whole is nothing."""
    return min(100.0, max(0.0, 100.0 * part / whole)) if whole > 0 else 0.0


def words(identifier: str) -> str:
    """`QuotaExceeded` or `create_workspace` as words: `Quota exceeded`, `Create workspace`."""
    spaced = "".join(f" {c.lower()}" if c.isupper() and i else c for i, c in enumerate(identifier))
    return (spaced[:1].upper() + spaced[1:]).replace("_", " ").replace("-", " ")


def sentence(phrase: str) -> str:
    """With a capital first letter; the rest stays as it is."""
    return phrase[:1].upper() + phrase[1:]


def _short(number: Decimal, digits: int) -> str:
    return f"{number:,.{digits}f}".rstrip("0").rstrip(".") if number % 1 else f"{int(number):,}"
