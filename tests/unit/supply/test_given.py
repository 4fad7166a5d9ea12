"""Images that are given as archives: what each program writes is understood, and what is wrong is named."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.supply import archive, given
from infra.supply.errors import BadArchive, CorruptBlob, SupplyError
from infra.supply.given import GivenImage
from infra.supply.media import DOCKER_MANIFEST_TYPE, LAYER_TYPE, MANIFEST_TYPE
from infra.supply.model import Blob, BuiltImage, ImageSet
from infra.supply.source import SourceSupply
from infra.supply.store import BlobStore
from tests.unit.supply.fakes import FakeTools
from tests.unit.supply.layouts import (
    Writer,
    ctr_export,
    digest,
    docker_save,
    layer,
    on,
    pack,
    skopeo_all,
    zipped,
)

REGISTRY = "registry.example.com/mlp/"


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "images")


def look(path: Path, architecture: str = "amd64") -> tuple[GivenImage, ...]:
    return given.look(path, REGISTRY, architecture)


def take(store: BlobStore, path: Path) -> tuple[GivenImage, ...]:
    return given.take(store, path, REGISTRY, "amd64")


def sent(store: BlobStore, images: list[BuiltImage]) -> dict[str, bytes]:
    """What a node gets: member → content."""
    stream = io.BytesIO()
    archive.write_archive(store, images, stream, "amd64")
    stream.seek(0)
    with tarfile.open(fileobj=stream) as tar:
        return {member.name: handle.read() for member in tar if (handle := tar.extractfile(member))}


DIALECTS: dict[str, tuple[Callable[[Path], Path], str, bytes]] = {
    "docker save": (docker_save, MANIFEST_TYPE, layer("app", b"app")),
    "skopeo copy --all": (skopeo_all, MANIFEST_TYPE, zipped(layer("app", b"amd64"))),
    "ctr images export": (ctr_export, DOCKER_MANIFEST_TYPE, zipped(layer("app", b"here"))),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_each_program_writes_reaches_the_node_as_it_is(dialect: str, store: BlobStore, tmp_path: Path) -> None:
    write, kind, content = DIALECTS[dialect]
    path = write(tmp_path / "app.tar")
    (found,) = take(store, path)
    assert (found,) == look(path)
    image = found.image
    assert (image.name, image.reference, image.media_type) == ("team/app:1", f"{REGISTRY}team/app:1", kind)
    assert image.layers == (Blob(digest(content), len(content)),)
    node = sent(store, [image])
    (entry,) = json.loads(node["index.json"])["manifests"]
    assert (entry["mediaType"], entry["digest"]) == (kind, image.digest)
    assert entry["annotations"]["io.containerd.image.name"] == f"{REGISTRY}team/app:1"
    for name, data in node.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    manifest = json.loads(node[f"blobs/sha256/{image.digest.removeprefix('sha256:')}"])
    assert manifest["mediaType"] == kind
    assert {node[f"blobs/sha256/{each['digest'].removeprefix('sha256:')}"] for each in manifest["layers"]} == {content}


def test_only_the_nodes_architecture_is_taken(store: BlobStore, tmp_path: Path) -> None:
    path = skopeo_all(tmp_path / "app.tar")
    (found,) = take(store, path)
    assert {f"sha256:{each.name}" for each in (store.root / "blobs/sha256").iterdir()} == {
        blob.digest for blob in found.image.blobs
    }
    (other,) = look(path, "arm64")
    assert other.image.digest != found.image.digest


def test_an_image_for_plain_processors_is_preferred(tmp_path: Path) -> None:
    writer = Writer()
    newest = on(writer.image([b"new"]), "amd64", variant="v3")
    plain = on(writer.image([b"plain"]), "amd64")
    writer.name(writer.index([newest, plain]), "registry.example.com/app:1")
    assert look(writer.write(tmp_path / "a.tar"))[0].image.digest == plain["digest"]


def test_a_manifest_without_its_own_media_type_is_what_the_index_says(store: BlobStore, tmp_path: Path) -> None:
    writer = Writer()
    manifest = json.loads(writer.blobs[writer.image([b"x"])["digest"]])
    del manifest["mediaType"]
    writer.name(writer.document(manifest, MANIFEST_TYPE), "registry.example.com/app:1")
    assert take(store, writer.write(tmp_path / "a.tar"))[0].image.media_type == MANIFEST_TYPE


def test_layers_that_nobody_here_can_unpack_stay_as_they_are(store: BlobStore, tmp_path: Path) -> None:
    content = b"\x28\xb5\x2f\xfd and so on"
    writer = Writer()
    writer.name(writer.image([content], layer_type=f"{LAYER_TYPE}+zstd"), "registry.example.com/app:1")
    (found,) = take(store, writer.write(tmp_path / "a.tar"))
    assert content in sent(store, [found.image]).values()


def test_an_archive_may_hold_many_images_and_many_names(store: BlobStore, tmp_path: Path) -> None:
    writer = Writer()
    one, two = writer.image([b"shared", b"one"]), writer.image([b"shared", b"two"])
    writer.name(one, "registry.example.com/one:1").name(one, "registry.example.com/one:latest").name(two, ref="two:2")
    found = take(store, writer.write(tmp_path / "a.tar"))
    assert [each.image.name for each in found] == ["one:1", "one:latest", "two:2"]
    assert len([name for name in sent(store, [each.image for each in found]) if name.startswith("blobs/")]) == 7


def test_one_name_for_each_platform_is_one_image(tmp_path: Path) -> None:
    writer = Writer()
    here = on(writer.image([b"here"]), "amd64")
    for each in (on(writer.image([b"there"], "arm64"), "arm64"), here):
        writer.name(each, "registry.example.com/app:1")
    assert [each.image.digest for each in look(writer.write(tmp_path / "a.tar"))] == [here["digest"]]


def test_a_packed_folder_is_an_archive_too(tmp_path: Path) -> None:
    writer = Writer()
    writer.name(writer.image([b"x"]), ref="registry.example.com/app:1")
    path = pack(tmp_path / "a.tar", {f"./{name}": data for name, data in writer.members().items()})
    assert look(path)[0].image.reference == f"{REGISTRY}app:1"


def written(path: Path, **names: str) -> Path:
    writer = Writer()
    return writer.name(writer.image([b"x"]), **names).write(path)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing there": (lambda path: None, "There is no image archive at .* change supply.archives"),
    "a folder": (lambda path: path.mkdir(), "is a folder. Pack the layout"),
    "no tar": (lambda path: path.write_bytes(b"x" * 2000), "is no tar file. Write one with docker save"),
    "empty": (lambda path: path.write_bytes(b""), "is no tar file"),
    "compressed": (lambda path: path.write_bytes(zipped(b"x")), "compressed with gzip. Unpack"),
    "Docker's older format": (lambda path: pack(path, {"manifest.json": b"[]"}), "older format.*skopeo copy"),
    "some tar": (lambda path: pack(path, {"a": b"x"}), "is no OCI image layout"),
    "no JSON": (lambda path: pack(path, {"index.json": b"{"}), "index.json can't be read"),
    "no images": (lambda path: Writer().write(path), "holds no images"),
    "an image without a name": (written, "without a name: sha256.* Write it under its name"),
    "only a tag": (lambda path: written(path, ref="latest"), r"without a name \(only the tag 'latest'\)"),
    "no tag": (lambda path: written(path, ref="registry.example.com/app"), "'registry.example.com/app', which has no"),
    "a digest": (lambda path: written(path, containerd=f"a/b@{digest(b'')}"), "named by its digest"),
    "a name that is none": (lambda path: written(path, containerd="registry.example.com/../B:1"), "that no image can"),
    "a kind that is not known": (
        lambda path: (w := Writer()).name(w.blob(b"{}", "application/x"), "a/b:1").write(path),
        "for nothing that runs",
    ),
    "another architecture": (
        lambda path: (w := Writer()).name(w.image([b"x"], "s390x"), "a/b:1").write(path),
        "holds a/b:1 for linux/s390x, but nodes are linux/amd64. Pull",
    ),
    "an index of other architectures": (
        lambda path: (
            (w := Writer())
            .name(
                w.index([on(w.image([b"x"], "arm64"), "arm64"), on(w.image([b"y"], "arm"), "arm", variant="v7")]),
                "a/b:1",
            )
            .write(path)
        ),
        "for linux/arm64, linux/arm/v7, but nodes are linux/amd64",
    ),
    "two images of one name": (
        lambda path: (w := Writer()).name(w.image([b"x"]), "a/b:1").name(w.image([b"y"]), "a/b:1").write(path),
        "different images named a/b:1: sha256.* and sha256",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_before_layers_are_read(case: str, tmp_path: Path) -> None:
    make, words = WRONG[case]
    path = tmp_path / "a.tar"
    make(path)
    with pytest.raises(BadArchive, match=words) as error:
        look(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def damaged(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A good archive with members changed, or left out where `change` gives None."""
    writer = Writer()
    members = writer.name(writer.image([b"layer"]), "a/b:1").members()
    return pack(path, {name: new for name, data in members.items() if (new := change(name, data)) is not None})


DAMAGES: dict[str, tuple[Callable[[str, bytes], bytes | None], str]] = {
    "a layer is missing": (lambda _, data: None if data == b"layer" else data, "incomplete: blob sha256"),
    "a layer is short": (lambda _, data: b"lay" if data == b"layer" else data, "incomplete"),
    "a manifest is another": (
        lambda _, data: data.replace(b"schemaVersion", b"SchemaVersion") if b'"layers": [' in data else data,
        "damaged: blob sha256",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_archive_is_refused_at_a_look(case: str, tmp_path: Path) -> None:
    change, words = DAMAGES[case]
    with pytest.raises(CorruptBlob, match=words):
        look(damaged(tmp_path / "a.tar", change))


def test_a_file_that_ends_too_early_is_refused_at_a_look(tmp_path: Path) -> None:
    path = docker_save(tmp_path / "a.tar", content=b"x" * 100_000)
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(BadArchive, match="ends too early"):
        look(path)


def test_a_layer_with_other_content_is_not_kept(store: BlobStore, tmp_path: Path) -> None:
    path = damaged(tmp_path / "a.tar", lambda _, data: b"LAYER" if data == b"layer" else data)
    assert look(path)
    with pytest.raises(CorruptBlob, match=r"a\.tar is damaged: blob sha256:.* Write or copy"):
        take(store, path)
    for blob in (store.root / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    assert not list((store.root / "work").iterdir())


def test_what_is_taken_in_is_not_read_again(store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = docker_save(tmp_path / "a.tar")
    take(store, path)
    monkeypatch.setattr("infra.supply.layout.LayoutFile.copy", lambda *_: pytest.fail("a layer was read"))
    assert take(store, path) == look(path)


def test_a_blob_that_was_lost_is_taken_again(store: BlobStore, tmp_path: Path) -> None:
    path = docker_save(tmp_path / "a.tar")
    (found,) = take(store, path)
    store.path(found.image.layers[0].digest).write_bytes(b"x" * found.image.layers[0].size)
    with pytest.raises(CorruptBlob, match="run the same command again"):
        sent(store, [found.image])
    take(store, path)
    assert sent(store, [found.image])


def test_two_archives_with_one_name_must_hold_the_same(tmp_path: Path) -> None:
    one, same = docker_save(tmp_path / "one.tar"), docker_save(tmp_path / "same.tar")
    assert len(given.distinct([*look(one), *look(same)])) == 1
    other = docker_save(tmp_path / "other.tar", content=b"other")
    with pytest.raises(BadArchive, match=r"one\.tar and .*other\.tar hold different images .*team/app:1"):
        given.distinct([*look(one), *look(other)])


def test_given_images_stand_beside_built_ones_and_never_replace_them(tmp_path: Path) -> None:
    (found,) = look(docker_save(tmp_path / "app.tar"))
    built = ImageSet({"web": BuiltImage("web", f"{REGISTRY}web:1", Blob("sha256:1", 1), Blob("sha256:2", 1), ())})
    assert given.joined(built, [found]).references == {"web": f"{REGISTRY}web:1", "team/app:1": f"{REGISTRY}team/app:1"}
    (other,) = look(docker_save(tmp_path / "web.tar", f"{REGISTRY}web:1"))
    with pytest.raises(BadArchive, match=r"web\.tar holds .*web:1, which the platform makes itself"):
        given.joined(built, [other])
    mine = ImageSet({"web": other.image})
    assert given.joined(mine, [other]) == mine


def test_a_supply_tells_what_it_takes_and_keeps_it_at_pruning(tmp_path: Path) -> None:
    supply = SourceSupply(tmp_path / "cache", FakeTools(tmp_path / "tools"), tmp_path, REGISTRY)
    supply.architecture = "amd64"
    path = docker_save(tmp_path / "a.tar")
    told: list[tuple[str, str]] = []
    found = supply.take([path], lambda event: told.append((event.subject, event.state)))
    assert supply.take([path], lambda event: told.append((event.subject, event.state))) == found
    assert told == [(str(path), "started"), (str(path), "built"), (str(path), "reused")]
    assert supply.prune(given.distinct(found)) == 0
    assert supply.prune(ImageSet({})) == found[0].image.size
    with pytest.raises(SupplyError, match="There is no image archive"):
        supply.take([path, tmp_path / "gone.tar"])
