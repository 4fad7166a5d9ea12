"""Images in a host's containerd: what is there, and bringing in what is not, as a stream."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from infra.hosts.errors import CommandFailed, DeadlinePassed
from infra.hosts.layout import Layout
from infra.hosts.transport import Transport

IMPORT_SECONDS = 900.0
_CTR = ("ctr", "-n", "k8s.io")


_GC_ROOT = "containerd.io/gc.root"
"""Label of content that containerd's garbage collection keeps although no image names it."""
_HOLD = f"""for digest; do
  ctr -n k8s.io content label "$digest" {_GC_ROOT}=import >/dev/null 2>&1 && echo "$digest"
done
true"""
_RELEASE = f'for digest; do ctr -n k8s.io content label "$digest" {_GC_ROOT}= >/dev/null 2>&1; done; true'


def parse_check(text: str) -> dict[str, str]:
    """Reference → digest of the images that are whole, from `ctr images check`."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 3 and row[2].startswith("sha256:") and row[3] == "complete"}


def present(transport: Transport) -> dict[str, str]:
    """Reference → digest of every whole image on the host. One that lacks content, which a name outlives, is not."""
    return parse_check(transport.run([*_CTR, "images", "check"]).text)


def present_blobs(transport: Transport) -> frozenset[str]:
    """Digests of the blobs on the host, layers of every image among them."""
    return frozenset(transport.run([*_CTR, "content", "ls", "-q"]).text.split())


@contextlib.contextmanager
def held(transport: Transport, digests: Iterable[str]) -> Iterator[frozenset[str]]:
    """Those of the blobs that are on the host, kept there while the block runs: until an image names a blob, containerd
    may collect it at any time."""
    there = sorted(present_blobs(transport) & set(digests))
    kept = transport.run(["/bin/sh", "-c", _HOLD, "hold", *there], timeout=120).text.split() if there else []
    try:
        yield frozenset(kept)
    finally:
        if kept:
            transport.run(["/bin/sh", "-c", _RELEASE, "release", *kept], timeout=120, check=False)


def missing(wanted: Iterable[tuple[str, str]], there: dict[str, str]) -> tuple[str, ...]:
    """References of (reference, digest) pairs that the host lacks or has with another content."""
    return tuple(reference for reference, digest in wanted if there.get(reference) != digest)


_CONTENT = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"
"""containerd's content store, by digest."""


@dataclass(frozen=True)
class BlobFile:
    """A blob and a file of this machine that holds it."""

    digest: str
    size: int
    path: Path


def share(layout: Layout, transport: Transport, blobs: Iterable[BlobFile]) -> None:
    """Gives blobs to a host of this machine without copying them: as hard links, which containerd is told to adopt.

    Only an acceleration: what cannot be shared (another file system, a containerd that shares nothing) is not there
    afterwards, and has to be streamed. containerd checks what it unpacks against the image's diff ids.
    """
    folder = layout.inside(_CONTENT)
    for blob in blobs:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.link(blob.path, folder / blob.digest.removeprefix("sha256:"))
        except OSError:
            return
        expected = ("--expected-digest", blob.digest, "--expected-size", str(blob.size))
        with blob.path.open("rb") as content:  # it seeks to the end of what it finds there already, which is all
            transport.run([*_CTR, "content", "ingest", *expected, f"mlp-{blob.digest}"], content, 120, check=False)


def bring(transport: Transport, write: Callable[[BinaryIO], None], seconds: float = IMPORT_SECONDS) -> None:
    """Imports an image archive that `write` produces, without a copy on disk. Raises what `write` raised, if it did."""
    reading, writing = os.pipe()
    failure: list[BaseException] = []

    def produce() -> None:
        try:
            with os.fdopen(writing, "wb") as stream:
                write(stream)
        except BrokenPipeError:
            return  # the importer ended early; its own message says why
        except BaseException as error:  # noqa: BLE001 - handed to the calling thread
            failure.append(error)

    producer = threading.Thread(target=produce, name="image-archive", daemon=True)
    producer.start()
    try:
        with os.fdopen(reading, "rb") as stream:
            transport.run([*_CTR, "images", "import", "-"], stdin=stream, timeout=seconds)
    except (CommandFailed, DeadlinePassed):
        producer.join(5)
        if failure:
            raise failure[0] from None
        raise
    producer.join()
    if failure:
        raise failure[0]


def used(listing: str) -> frozenset[str]:
    """References of the images that containers were made from, from `ctr containers ls`."""
    return frozenset(row.split()[1] for row in listing.splitlines()[1:] if len(row.split()) > 1)


def remove(transport: Transport, references: Collection[str]) -> None:
    """Removes images that nothing names any more. Those of a container stay: it may have to start again."""
    if references:
        unused = set(references) - used(transport.run([*_CTR, "containers", "ls"]).text)
        if unused:
            transport.run([*_CTR, "images", "rm", *sorted(unused)], check=False)


def wait_for_runtime(transport: Transport, seconds: float = 60) -> None:
    """Waits until containerd answers. Raises DeadlinePassed with what it says."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(DeadlinePassed):
            done = transport.run(["ctr", "version"], timeout=5, check=False)
            if done.code == 0:
                return
        if time.monotonic() > deadline:
            log = transport.run(["tail", "-n", "8", "/var/log/mlp/containerd.log"], check=False).text
            raise DeadlinePassed(f"containerd on {transport.host} does not answer after {seconds:.0f} s:\n{log}")
        time.sleep(0.1)
