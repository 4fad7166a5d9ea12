"""When services are started, and how fast again."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.hosts.init import bound_log
from infra.hosts.services import BACKOFF_FIRST, BACKOFF_LAST, CONTAINERD, KUBELET, STEADY, Book, Service, flags

_ALWAYS = Service("loop", ("/bin/true",))


def test_a_service_waits_for_its_files() -> None:
    book = Book()
    present = dict.fromkeys(KUBELET.needs, True)
    assert book.due(KUBELET, present, 0)
    for missing in KUBELET.needs:
        assert not book.due(KUBELET, {**present, missing: False}, 0)


def test_a_running_service_is_not_started_again() -> None:
    book = Book()
    book.started(_ALWAYS, 7, 0)
    assert not book.due(_ALWAYS, {}, 1)


def test_a_service_that_keeps_ending_is_started_ever_more_slowly_up_to_a_bound() -> None:
    book, now, waits = Book(), 0.0, []
    for pid in range(1, 12):
        book.started(_ALWAYS, pid, now)
        assert book.ended(pid, now) == "loop"
        waits.append(book.of(_ALWAYS).not_before - now)
        assert not book.due(_ALWAYS, {}, now)
        now = book.of(_ALWAYS).not_before
        assert book.due(_ALWAYS, {}, now)
    assert [round(wait, 6) for wait in waits] == sorted(round(wait, 6) for wait in waits)
    assert waits[0] == 2 * BACKOFF_FIRST
    assert waits[-1] == pytest.approx(BACKOFF_LAST)


def test_a_service_that_ran_steadily_starts_again_at_once() -> None:
    book = Book()
    book.of(_ALWAYS).backoff = BACKOFF_LAST
    book.started(_ALWAYS, 7, 0)
    book.ended(7, STEADY)
    assert book.of(_ALWAYS).not_before == STEADY + BACKOFF_FIRST
    assert book.of(_ALWAYS).restarts == 1


def test_a_service_that_cannot_be_started_is_tried_again_later() -> None:
    book = Book()
    book.failed(_ALWAYS, 5)
    assert not book.due(_ALWAYS, {}, 5)
    assert book.due(_ALWAYS, {}, 5 + 2 * BACKOFF_FIRST)


def test_the_end_of_an_adopted_process_is_nobody_s() -> None:
    book = Book()
    book.started(CONTAINERD, 7, 0)
    assert book.ended(8, 1) is None


def test_kubeadm_s_flags_are_split_as_a_shell_would() -> None:
    text = "# comment\nKUBELET_KUBEADM_ARGS=\"--cgroup-root=/a --node-ip=10.0.0.1 --x='y z'\"\n"
    assert flags(text) == ("--cgroup-root=/a", "--node-ip=10.0.0.1", "--x=y z")
    assert flags("") == ()


def test_a_log_never_grows_beyond_twice_its_bound(tmp_path: Path) -> None:
    log = tmp_path / "kubelet.log"
    with log.open("ab") as writer:
        for _ in range(5):
            writer.write(b"x" * 80)
            writer.flush()
            bound_log(log, limit=100)
            assert log.stat().st_size <= 180
    assert log.with_suffix(".log.1").stat().st_size == 160
    assert log.stat().st_size == 80
