from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.supply import archive, given, oci
from infra.supply.errors import CorruptBlob, SupplyError
from infra.supply.model import BuiltImage
from infra.supply.store import BlobStore


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "images")


def image(store: BlobStore, name: str, *layers: bytes) -> BuiltImage:
    blobs = [store.put(layer) for layer in layers]
    config = store.put(json.dumps({"name": name, "os": "linux", "architecture": "amd64"}).encode())
    manifest = store.put(oci.manifest(config, blobs))
    return BuiltImage(name, f"registry.mlp.internal/{name}:1", manifest, config, tuple(blobs))


def write(store: BlobStore, *images: BuiltImage, present: tuple[str, ...] = ()) -> bytes:
    stream = io.BytesIO()
    archive.write_archive(store, images, stream, "amd64", present)
    return stream.getvalue()


def contents(data: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as tar:
        return [(member.name, handle.read()) for member in tar if (handle := tar.extractfile(member))]


def test_an_archive_is_an_image_layout_with_each_blob_once(store: BlobStore) -> None:
    one, other = image(store, "one", b"shared", b"own"), image(store, "other", b"shared")
    found = contents(write(store, one, other))
    names = [name for name, _ in found]
    assert names[:2] == ["oci-layout", "index.json"]
    assert len(names) == len(set(names)) == 2 + len({*one.blobs, *other.blobs})
    for name, data in found[2:]:
        assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    index = json.loads(dict(found)["index.json"])
    assert [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]] == [
        "registry.mlp.internal/one:1",
        "registry.mlp.internal/other:1",
    ]


def test_an_archive_of_a_subset_holds_nothing_of_the_others(store: BlobStore) -> None:
    one, other = image(store, "one", b"own"), image(store, "other", b"theirs")
    assert not {data for _, data in contents(write(store, one))} & {b"theirs", store.read(other.manifest)}


def test_equal_images_give_equal_archives_in_any_order(store: BlobStore) -> None:
    one, other = image(store, "one", b"1"), image(store, "other", b"2")
    assert sorted(contents(write(store, one, other))) == sorted(contents(write(store, other, one)))


def test_layers_that_the_receiver_has_are_left_out_but_never_documents(store: BlobStore) -> None:
    one = image(store, "one", b"there", b"new")
    present = (one.layers[0].digest, one.manifest.digest, one.config.digest)
    found = {data for _, data in contents(write(store, one, present=present))}
    assert b"there" not in found
    assert {b"new", store.read(one.manifest), store.read(one.config)} <= found


def test_a_damaged_blob_is_noticed_and_forgotten(store: BlobStore) -> None:
    one = image(store, "one", b"content")
    store.path(one.layers[0].digest).write_bytes(b"cOntent")
    with pytest.raises(CorruptBlob, match="run the same command again"):
        write(store, one)
    assert not store.has(one.layers[0])


def test_a_bundle_gives_the_same_images_on_another_machine(store: BlobStore, tmp_path: Path) -> None:
    images = [image(store, "one", b"shared", b"own"), image(store, "other", b"shared")]
    path = tmp_path / "bundle.tar"
    archive.bundle(store, images, path, "amd64")
    elsewhere = BlobStore(tmp_path / "elsewhere")
    taken = given.take(elsewhere, path, "registry.mlp.internal/", "amd64")
    assert [replace(each.image, name=image.name) for each, image in zip(taken, images, strict=True)] == images
    assert given.absent(elsewhere, taken) == ()
    listing = json.loads((tmp_path / "bundle.tar.index.json").read_text())
    assert listing["images"][0] == {
        "name": "one",
        "reference": "registry.mlp.internal/one:1",
        "digest": images[0].digest,
        "size": images[0].size,
    }


def test_an_interrupted_bundle_leaves_no_file(store: BlobStore, tmp_path: Path) -> None:
    one = image(store, "one", b"content")
    store.path(one.layers[0].digest).unlink()
    with pytest.raises(FileNotFoundError):
        archive.bundle(store, [one], tmp_path / "out.tar", "amd64")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def changed(change: Callable[[str, bytes], tuple[str, bytes] | None], data: bytes) -> bytes:
    """The archive with each member changed or left out."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in contents(data):
            if member := change(name, content):
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


DAMAGES: dict[str, tuple[Callable[[str, bytes], tuple[str, bytes] | None], str]] = {
    "a changed layer": (lambda n, c: (n, b"evil!!!" if c == b"content" else c), "damaged"),
    "a missing layer": (lambda n, c: None if c == b"content" else (n, c), "incomplete"),
    "no index": (lambda n, c: None if n == "index.json" else (n, c), "no OCI image layout"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_bundle_is_refused_and_leaves_no_damaged_blob(case: str, store: BlobStore, tmp_path: Path) -> None:
    change, message = DAMAGES[case]
    path = tmp_path / "bundle.tar"
    path.write_bytes(changed(change, write(store, image(store, "one", b"content"))))
    elsewhere = BlobStore(tmp_path / "elsewhere")
    with pytest.raises(SupplyError, match=message):
        given.take(elsewhere, path, "registry.mlp.internal/", "amd64")
    for blob in (tmp_path / "elsewhere/blobs/sha256").glob("*"):
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name


def test_a_name_in_a_bundle_cannot_lead_out_of_the_store(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar"
    change = lambda n, c: ("blobs/sha256/../../../outside", c) if c == b"content" else (n, c)  # noqa: E731
    path.write_bytes(changed(change, write(store, image(store, "one", b"content"))))
    with pytest.raises(CorruptBlob):
        given.take(BlobStore(tmp_path / "elsewhere"), path, "registry.mlp.internal/", "amd64")
    assert not (tmp_path / "outside").exists()
