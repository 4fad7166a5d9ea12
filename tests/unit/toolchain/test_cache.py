"""The cache: what counts as there, what a killed run leaves, and the lock."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from infra.toolchain.cache import RECEIPT, SEEN, Cache, Receipt


def publish(cache: Cache, content: str = "binary", version: str = "1.0") -> Receipt:
    receipt = Receipt("demo", version, "key", "demo", len(content), 2.5, {"LD_LIBRARY_PATH": ("root/lib",)}, ("a=1",))
    with cache.locked(), cache.staging() as folder:
        made = folder / "made"
        made.mkdir()
        (made / "demo").write_text(content)
        cache.publish(made, receipt)
    return receipt


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_published_is_found_again(cache: Cache) -> None:
    receipt = publish(cache)

    assert cache.receipt("demo", "1.0", "key") == receipt
    assert cache.newest("demo", "key") == receipt
    assert (cache.folder("demo", "1.0") / "demo").read_text() == "binary"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / RECEIPT).unlink(),
        lambda folder: (folder / RECEIPT).write_text('{"name": "demo"'),
        lambda folder: (folder / RECEIPT).write_text("[]"),
        lambda folder: (folder / RECEIPT).write_text('{"name": "demo"}'),
        lambda folder: (folder / "demo").unlink(),
        lambda folder: (folder / "demo").write_text("bin"),
    ],
    ids=["no receipt", "half a receipt", "a list", "fields missing", "no file", "half a file"],
)
def test_leftovers_do_not_count(cache: Cache, damage: object) -> None:
    publish(cache)

    damage(cache.folder("demo", "1.0"))  # type: ignore[operator]

    assert cache.receipt("demo", "1.0", "key") is None
    assert cache.newest("demo", "key") is None


def test_other_inputs_do_not_count(cache: Cache) -> None:
    publish(cache)

    assert cache.receipt("demo", "1.0", "other key") is None
    assert cache.receipt("demo", "1.1", "key") is None
    assert cache.newest("nobody", "key") is None


def test_publishing_again_replaces_and_leaves_nothing_else(cache: Cache) -> None:
    publish(cache, "old")
    publish(cache, "newer")

    folder = cache.folder("demo", "1.0")
    assert (folder / "demo").read_text() == "newer"
    assert sorted(path.name for path in folder.iterdir()) == ["demo", RECEIPT]
    assert [path.name for path in folder.parent.iterdir()] == ["1.0"]


def test_newest_goes_by_publication(cache: Cache) -> None:
    publish(cache, version="2.0")
    publish(cache, version="1.9")
    for version, stamp in (("2.0", 1_000), ("1.9", 2_000)):
        os.utime(cache.folder("demo", version) / RECEIPT, (stamp, stamp))

    newest = cache.newest("demo", "key")

    assert newest is not None
    assert newest.version == "1.9"


def test_an_epoch_is_no_part_of_the_folder(cache: Cache) -> None:
    publish(cache, version="1:1.4.7-1")

    assert cache.folder("demo", "1:1.4.7-1").name == "1.4.7-1"
    found = cache.newest("demo", "key")
    assert found is not None
    assert found.version == "1:1.4.7-1"


def test_taking_the_lock_clears_what_a_killed_run_staged(cache: Cache) -> None:
    with cache.locked():
        left = cache.tools / ".staging" / "killed"
        left.mkdir(parents=True)
        (left / "half").write_text("")

    with cache.locked():
        assert not left.exists()


def test_the_second_waits_and_is_told_once(cache: Cache) -> None:
    told: list[str] = []
    order: list[str] = []
    started = threading.Event()

    def second() -> None:
        def waiting() -> None:
            told.append("waiting")
            started.set()

        with cache.locked(waiting):
            order.append("second")

    with cache.locked():
        thread = threading.Thread(target=second)
        thread.start()
        assert started.wait(10)
        order.append("first")
    thread.join(10)

    assert order == ["first", "second"]
    assert told == ["waiting"]


def test_the_build_cache_is_removed_unless_somebody_builds(cache: Cache) -> None:
    cache.go_build.mkdir(parents=True)
    with cache.locked():
        cache.trim()
        assert cache.go_build.exists()

    cache.trim()

    assert not cache.go_build.exists()
    cache.trim()


def test_a_file_on_path_is_remembered_until_it_changes(cache: Cache, tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_text("one")
    cache.remember("tool", program, "1.0")

    seen = cache.seen("tool", program)
    assert seen is not None
    assert seen.version == "1.0"
    other = tmp_path / "other"
    other.write_text("one")
    assert cache.seen("tool", other) is None
    program.write_text("two!")
    assert cache.seen("tool", program) is None


def test_a_damaged_memory_is_forgotten(cache: Cache, tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_text("one")
    cache.remember("tool", program, None)
    note = cache.tools / "tool" / SEEN
    note.write_text(json.dumps({"path": str(program)}))

    assert cache.seen("tool", program) is None


def test_receipts_are_values(cache: Cache) -> None:
    receipt = publish(cache)

    assert replace(receipt, key="other") != receipt
