"""Pushing over a transport that breaks: uploads begin anew, passwords go to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from components.images import Image
from infra.supply import oci, push
from infra.supply.errors import PushFailed
from infra.supply.model import BuiltImage
from infra.supply.store import BlobStore

LOGIN = push.Credentials("me", "a-password")


def image(store: BlobStore, layer: bytes) -> BuiltImage:
    made = Image(name="one", version="1", layers=())
    blob = store.put(layer)
    config = store.put(oci.config(made, (blob,), "amd64"))
    manifest = store.put(oci.manifest(config, (blob,)))
    return BuiltImage("one", "registry.example/team/one:1", manifest, config, (blob,))


class Registry:
    """Answers as a registry does. `breaks`: uploads that fail; `elsewhere`: where uploads go."""

    def __init__(self, breaks: int = 0, elsewhere: str = "") -> None:
        self.breaks = breaks
        self.elsewhere = elsewhere
        self.opened = 0
        self.seen: list[httpx.Request] = []
        self.blobs: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.seen.append(request)
        path = request.url.path
        if request.url.host == "registry.example" and "Authorization" not in request.headers:
            return httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="r"'})
        if request.method == "HEAD":
            there = path.rpartition("/")[2] in self.blobs
            return httpx.Response(200 if there else 404)
        if request.method == "POST":
            self.opened += 1
            return httpx.Response(
                202, headers={"Location": f"{self.elsewhere}/v2/team/one/blobs/uploads/{self.opened}"}
            )
        if "uploads" in path:
            if self.breaks:
                self.breaks -= 1
                raise httpx.WriteError("broken pipe")
            self.blobs.add(request.url.params["digest"])
        return httpx.Response(201)


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[Registry], None]:
    """Leads every client of the module to a registry; waits are short."""

    def lead(registry: Registry) -> None:
        real = httpx.Client
        monkeypatch.setattr(push, "_FIRST_WAIT", 0.001)
        monkeypatch.setattr(
            push.httpx, "Client", lambda **options: real(transport=httpx.MockTransport(registry), **options)
        )

    return lead


def test_an_upload_that_broke_is_begun_anew(tmp_path: Path, through: Callable[[Registry], None]) -> None:
    registry, store = Registry(breaks=3), BlobStore(tmp_path)
    through(registry)
    one = image(store, b"layer")
    push.push(store, [one], lambda: LOGIN)
    uploads = [
        request.url.path for request in registry.seen if request.method == "PUT" and "uploads" in request.url.path
    ]
    assert registry.blobs == {one.config.digest, one.layers[0].digest}
    assert len(set(uploads)) == len(uploads)


def test_a_registry_that_never_takes_it_is_given_up(tmp_path: Path, through: Callable[[Registry], None]) -> None:
    registry, store = Registry(breaks=1000), BlobStore(tmp_path)
    through(registry)
    with pytest.raises(PushFailed, match="can't be used: broken pipe"):
        push.push(store, [image(store, b"layer")], lambda: LOGIN)
    assert registry.opened == 5
    assert not [
        request for request in registry.seen if request.url.path.endswith("/manifests/1") and request.method == "PUT"
    ]


def test_the_login_goes_to_no_other_host(tmp_path: Path, through: Callable[[Registry], None]) -> None:
    registry, store = Registry(elsewhere="https://storage.example"), BlobStore(tmp_path)
    through(registry)
    push.push(store, [image(store, b"layer")], lambda: LOGIN)
    hosts = {request.url.host: "Authorization" in request.headers for request in registry.seen[1:]}
    assert hosts == {"registry.example": True, "storage.example": False}


def test_a_token_service_without_tls_gets_no_password(tmp_path: Path, through: Callable[[Registry], None]) -> None:
    class Plain(Registry):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            return httpx.Response(
                401, headers={"WWW-Authenticate": 'Bearer realm="http://tokens.example/t",service="r"'}
            )

    registry, store = Plain(), BlobStore(tmp_path)
    through(registry)
    with pytest.raises(PushFailed, match="without TLS"):
        push.push(store, [image(store, b"layer")], lambda: LOGIN)
    assert {request.url.host for request in registry.seen} == {"registry.example"}
