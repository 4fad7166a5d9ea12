"""Blobs that a host shares with the machine's cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.hosts import images
from infra.hosts.images import BlobFile
from infra.hosts.layout import Layout
from infra.hosts.transport import Completed, Input, ShellFiles


class Recorder(ShellFiles):
    """A host that notes its commands and does nothing."""

    host = "node1"

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        self.ran.append(tuple(argv))
        return Completed(0, b"", "")


@pytest.fixture
def blob(tmp_path: Path) -> BlobFile:
    path = tmp_path / "cache" / "abc"
    path.parent.mkdir()
    path.write_bytes(b"layer")
    return BlobFile("sha256:abc", 5, path)


def test_blobs_are_linked_not_copied_and_containerd_is_told(tmp_path: Path, blob: BlobFile) -> None:
    layout, host = Layout("trial", "node1", tmp_path / "hosts"), Recorder()
    images.share(layout, host, [blob])
    images.share(layout, host, [blob])
    shared = layout.disk / "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/abc"
    assert shared.samefile(blob.path)
    expected = ("--expected-digest", "sha256:abc", "--expected-size", "5", "mlp-sha256:abc")
    assert host.ran[0] == ("ctr", "-n", "k8s.io", "content", "ingest", *expected)


def test_a_cache_on_another_file_system_is_no_error(
    tmp_path: Path, blob: BlobFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    host = Recorder()
    images.share(Layout("trial", "node1", tmp_path / "hosts"), host, [blob])
    assert host.ran == []


def test_an_image_of_a_container_is_in_use() -> None:
    listing = "CONTAINER IMAGE RUNTIME\nabc r/etcd:1 io.containerd.runc.v2\ndef r/pause:1 io.containerd.runc.v2\n"
    assert images.used(listing) == {"r/etcd:1", "r/pause:1"}
    assert images.used("CONTAINER IMAGE RUNTIME\n") == frozenset()
