from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controlplane.console import text

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "just now"),
        (9, "just now"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86_400, "1 day ago"),
        (59 * 86_400, "59 days ago"),
        (60 * 86_400, "2025-12-31"),
        (-80, "in 1 minute"),
        (-30 * 86_400 + 2, "in 30 days"),
        (-3 * 86_400, "in 3 days"),
    ],
)
def test_relative_time(seconds: int, shown: str) -> None:
    assert text.relative(NOW - timedelta(seconds=seconds), NOW) == shown


def test_a_time_without_zone_is_utc() -> None:
    assert text.utc(datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02 03:04:05 UTC"  # noqa: DTZ001
    assert text.iso(datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02T03:04:05Z"  # noqa: DTZ001


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.02, "<0.1 s"), (0.44, "0.4 s"), (12.9, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (-1, "<0.1 s")],
)
def test_duration(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("millicores", "shown"),
    [(0, "0 cores"), (1, "0.001 cores"), (250, "0.25 cores"), (1000, "1 core"), (2500, "2.5 cores")],
)
def test_cores(millicores: int, shown: str) -> None:
    assert text.cores(millicores) == shown


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536 * 2**20, "1.5 GiB"), (4 * 2**30, "4 GiB"), (2**50, "1 PiB")],
)
def test_size(octets: int, shown: str) -> None:
    assert text.size(octets) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        ("8 cores", "16 cores", "8 of 16 cores"),
        ("1 core", "16 cores", "1 of 16 cores"),
        ("0 B", "64 GiB", "0 of 64 GiB"),
        ("512 MiB", "64 GiB", "512 MiB of 64 GiB"),
        ("3", "50", "3 of 50"),
    ],
)
def test_part_of_a_whole(part: str, whole: str, shown: str) -> None:
    assert text.of(part, whole) == shown


@pytest.mark.parametrize(("part", "whole", "percent"), [(1, 4, 25.0), (9, 4, 100.0), (0, 0, 0.0), (-1, 4, 0.0)])
def test_share_stays_between_nothing_and_all(part: float, whole: float, percent: float) -> None:
    assert text.share(part, whole) == percent


def test_words() -> None:
    assert text.words("QuotaExceeded") == "Quota exceeded"
    assert text.words("auto_approve") == "Auto approve"
    assert text.sentence("workspace x: 2 Gi") == "Workspace x: 2 Gi"
    assert text.plural(1, "entry", "entries") == "1 entry"
    assert text.plural(1200, "entry", "entries") == "1,200 entries"
