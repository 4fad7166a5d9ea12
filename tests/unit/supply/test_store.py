from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from infra.supply.errors import DiskFull
from infra.supply.model import Blob
from infra.supply.store import BlobStore, FileDigests, LayerRecord


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "images")


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def files(store: BlobStore) -> set[str]:
    return {path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file()}


def test_content_is_found_by_its_digest(store: BlobStore) -> None:
    blob = store.put(b"content")
    assert blob == Blob(digest(b"content"), 7)
    assert store.has(blob)
    assert store.read(blob) == b"content"
    assert files(store) == {f"blobs/sha256/{hashlib.sha256(b'content').hexdigest()}"}


def test_an_interrupted_write_leaves_nothing(store: BlobStore) -> None:
    def half(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(half)
    assert files(store) == set()


def test_a_full_disk_is_named_with_the_remedy_and_leaves_nothing(store: BlobStore) -> None:
    def full(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull, match="MLP_CACHE"):
        store.write(full)
    assert files(store) == set()


def test_other_errors_stay_what_they_are(store: BlobStore) -> None:
    def broken(_: BinaryIO) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        store.write(broken)


def test_a_recipe_gives_its_layer_until_the_blob_is_gone_or_cut_short(store: BlobStore) -> None:
    record = LayerRecord(store.put(b"layer"), "a layer", 1.5, {"packages": [["a", "1"]]})
    assert store.recipe("key") is None
    store.remember("key", record)
    assert store.recipe("key") == record
    store.path(record.blob.digest).write_bytes(b"lay")
    assert store.recipe("key") is None
    store.path(record.blob.digest).unlink()
    assert store.recipe("key") is None


def test_a_damaged_recipe_is_as_none(store: BlobStore) -> None:
    store.remember("key", LayerRecord(store.put(b"layer"), "a layer", 1.5))
    (store.root / "recipes/key.json").write_text('{"digest": ')
    assert store.recipe("key") is None


def test_work_that_a_killed_build_left_is_cleared_by_the_next(store: BlobStore) -> None:
    (store.root / "work/old/root").mkdir(parents=True)
    (store.root / "work/blob-x").write_bytes(b"half")
    with store.locked(lambda: None), store.work_folder() as work:
        assert list(work.iterdir()) == []
        assert list((store.root / "work").iterdir()) == [work]
    assert list((store.root / "work").iterdir()) == []


def test_a_second_build_says_that_it_waits(store: BlobStore) -> None:
    waited: list[str] = []
    store.root.mkdir(parents=True)
    with (store.root / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def waiting() -> None:
            waited.append("yes")
            fcntl.flock(other, fcntl.LOCK_UN)

        with store.locked(waiting):
            assert waited == ["yes"]
    with store.locked(lambda: waited.append("again")):
        assert waited == ["yes"]


def test_pruning_keeps_what_is_named_and_frees_the_rest(store: BlobStore) -> None:
    kept, dropped = store.put(b"kept"), store.put(b"dropped")
    store.remember("kept", LayerRecord(kept, "kept", 0))
    store.remember("dropped", LayerRecord(dropped, "dropped", 0))
    store.base_root(dropped.digest).mkdir(parents=True)
    assert store.prune({kept.digest}) == len(b"dropped")
    assert store.recipe("kept") is not None
    assert (store.has(dropped), store.recipe("dropped")) == (False, None)
    assert not store.base_root(dropped.digest).exists()


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path, memory = tmp_path / "binary", tmp_path / "digests.json"
    path.write_bytes(b"one")
    assert FileDigests(memory).of(path) == digest(b"one")
    document = json.loads(memory.read_bytes())
    document[str(path)]["digest"] = "sha256:remembered"
    memory.write_text(json.dumps(document))
    assert FileDigests(memory).of(path) == "sha256:remembered"
    replacement = tmp_path / "new"
    replacement.write_bytes(b"two")
    status = path.stat()
    os.utime(replacement, ns=(status.st_atime_ns, status.st_mtime_ns))
    replacement.replace(path)
    assert FileDigests(memory).of(path) == digest(b"two")
