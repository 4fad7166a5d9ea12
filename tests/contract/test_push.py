"""Images pushed to a real registry: whole, once, again after a fall, and never without a login."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from components.images import Image
from infra.supply import oci
from infra.supply.errors import PushFailed
from infra.supply.given import take
from infra.supply.media import DOCKER_MANIFEST_TYPE, MANIFEST_TYPE
from infra.supply.model import BuiltImage
from infra.supply.push import Credentials, push
from infra.supply.store import BlobStore
from tests.servers.registry import PASSWORD, USER, RegistryServer
from tests.servers.tokens import TokenService
from tests.unit.supply.layouts import ctr_export, skopeo_all

pytestmark = pytest.mark.contract
_MIB = 1 << 20


def built(store: BlobStore, host: str, name: str, layers: list[bytes]) -> BuiltImage:
    image = Image(name=name, version="1", layers=())
    blobs = tuple(store.put(layer) for layer in layers)
    config = store.put(oci.config(image, blobs, "amd64"))
    manifest = store.put(oci.manifest(config, blobs))
    return BuiltImage(name, oci.reference(image, f"{host}/team/", manifest.digest), manifest, config, blobs)


def pulled(host: str, image: BuiltImage, kind: str = MANIFEST_TYPE) -> None:
    """Reads everything back and checks each digest."""
    repository, _, tag = image.reference.partition("/")[2].rpartition(":")
    with httpx.Client(auth=(USER, PASSWORD), base_url=f"http://{host}/v2/{repository}") as http:
        manifest = http.get(f"/manifests/{tag}", headers={"Accept": kind})
        assert manifest.headers["Content-Type"] == kind
        assert f"sha256:{hashlib.sha256(manifest.content).hexdigest()}" == image.digest
        for blob in (image.config, *image.layers):
            content = http.get(f"/blobs/{blob.digest}", follow_redirects=True).content
            assert f"sha256:{hashlib.sha256(content).hexdigest()}" == blob.digest


def login() -> Credentials:
    return Credentials(USER, PASSWORD)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    (tmp_path / "registry").mkdir()
    made = RegistryServer(tmp_path / "registry").start()
    yield made
    made.kill()


def test_images_arrive_whole_and_shared_layers_once(registry: RegistryServer, tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "store")
    shared = os.urandom(3 * _MIB)
    images = [built(store, registry.host, "one", [shared, b"one"]), built(store, registry.host, "two", [b"two"])]
    sent = push(store, images, login, scheme="http")
    assert sent == sum(blob.size for image in images for blob in (image.config, *image.layers))
    for image in images:
        pulled(registry.host, image)
    assert push(store, images, login, scheme="http") == 0
    changed = built(store, registry.host, "one", [shared, b"other"])
    assert push(store, [changed], login, scheme="http") == changed.config.size + len(b"other")
    pulled(registry.host, changed)


@pytest.mark.parametrize(("write", "kind"), [(ctr_export, DOCKER_MANIFEST_TYPE), (skopeo_all, MANIFEST_TYPE)])
def test_a_given_image_arrives_as_it_was_given(
    write: Callable[[Path], Path], kind: str, registry: RegistryServer, tmp_path: Path
) -> None:
    store = BlobStore(tmp_path / "store")
    (given,) = take(store, write(tmp_path / "app.tar"), f"{registry.host}/team/", "amd64")
    assert given.image.reference == f"{registry.host}/team/team/app:1"
    assert push(store, [given.image], login, scheme="http") > 0
    pulled(registry.host, given.image, kind)
    assert push(store, [given.image], login, scheme="http") == 0


def test_without_a_login_nothing_is_sent_and_the_remedy_is_named(registry: RegistryServer, tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "store")
    image = built(store, registry.host, "one", [b"one"])
    with pytest.raises(PushFailed, match="Sign in to it"):
        push(store, [image], lambda: None, scheme="http")
    with pytest.raises(PushFailed, match=r"refused|401") as wrong:
        push(store, [image], lambda: Credentials(USER, "not-the-password"), scheme="http")
    assert "not-the-password" not in str(wrong.value)


def test_a_registry_that_is_away_is_named(
    registry: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.supply.push._FIRST_WAIT", 0.01)
    store = BlobStore(tmp_path / "store")
    image = built(store, registry.host, "one", [b"one"])
    registry.kill()
    with pytest.raises(PushFailed, match="can't be used"):
        push(store, [image], login, scheme="http")


def test_a_token_service_lets_each_repository_in(tmp_path: Path) -> None:
    tokens = TokenService(tmp_path, USER, PASSWORD)
    (tmp_path / "registry").mkdir()
    registry = RegistryServer(tmp_path / "registry", tokens=tokens.settings).start()
    try:
        store = BlobStore(tmp_path / "store")
        images = [built(store, registry.host, name, [os.urandom(_MIB), name.encode()]) for name in ("one", "two")]
        assert push(store, images, login, scheme="http") > 2 * _MIB
        asked = [frozenset(scope.rpartition(":")[2].split(",")) for scope in tokens.asked if "team/one" in scope]
        assert frozenset({"pull", "push"}) in asked
        for image in images:
            repository, _, tag = image.reference.partition("/")[2].rpartition(":")
            token = tokens.token(f"repository:{repository}:pull")
            with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as http:
                manifest = http.get(
                    f"http://{registry.host}/v2/{repository}/manifests/{tag}", headers={"Accept": MANIFEST_TYPE}
                )
            assert f"sha256:{hashlib.sha256(manifest.content).hexdigest()}" == image.digest
        assert push(store, images, login, scheme="http") == 0
        with pytest.raises(PushFailed, match="gives no token") as refused:
            push(store, images, lambda: Credentials(USER, "not-the-password"), scheme="http")
        assert "not-the-password" not in str(refused.value)
    finally:
        registry.kill()
        tokens.close()


_PUSHER = """
import sys
from pathlib import Path
from tests.contract.test_push import built, login, push
from infra.supply.store import BlobStore
store = BlobStore(Path(sys.argv[1]))
layers = [path.read_bytes() for path in sorted(Path(sys.argv[3]).iterdir())]
push(store, [built(store, sys.argv[2], "big", layers)], login, scheme="http")
"""


def test_a_killed_push_goes_on_where_it_was(registry: RegistryServer, tmp_path: Path) -> None:
    store, layers = BlobStore(tmp_path / "store"), tmp_path / "layers"
    layers.mkdir()
    for index in range(12):
        (layers / f"{index:02}").write_bytes(os.urandom(8 * _MIB))
    image = built(store, registry.host, "big", [path.read_bytes() for path in sorted(layers.iterdir())])
    arguments = [sys.executable, "-c", _PUSHER, str(tmp_path / "store"), registry.host, str(layers)]
    process = subprocess.Popen(arguments, cwd=Path(__file__).parents[2])
    data = tmp_path / "registry" / "data"

    def arrived() -> int:
        return len(list(data.glob("docker/registry/v2/repositories/team/big/_layers/sha256/*")))

    deadline = time.monotonic() + 60
    while arrived() < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    there = arrived()
    assert there >= 3
    with httpx.Client(auth=(USER, PASSWORD)) as http:
        repository, _, tag = image.reference.partition("/")[2].rpartition(":")
        early = http.head(f"http://{registry.host}/v2/{repository}/manifests/{tag}")
    assert early.status_code == 404 or there == len(image.layers) + 1
    sent = push(store, [image], login, scheme="http")
    assert sent <= (len(image.layers) + 1 - there) * 8 * _MIB
    pulled(registry.host, image)


def test_a_stream_of_bytes_is_never_held_whole(tmp_path: Path) -> None:
    """The size on the wire is the file's, read in pieces."""
    from infra.supply.push import _pieces

    path = tmp_path / "blob"
    path.write_bytes(b"x" * (2 * _MIB + 1))
    assert [len(piece) for piece in _pieces(path)] == [_MIB, _MIB, 1]
