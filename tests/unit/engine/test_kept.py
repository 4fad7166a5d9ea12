"""The state kept on this machine: read with its secrets, and declared against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.engine.home import Home
from infra.engine.kept import Kept, KeptStack, declare_against, read_kept
from infra.engine.vault import Vault, VaultError

_MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
URN = "urn:pulumi:cluster::mlp::test:index:Network::main"


def write_state(home: Path, passphrase: str) -> None:
    vault = Vault.create(passphrase)
    sealed = {**_MARK, "ciphertext": vault.seal(json.dumps("s3cret"))}
    resources = [
        {"urn": "urn:pulumi:cluster::mlp::pulumi:pulumi:Stack::mlp-cluster", "type": "pulumi:pulumi:Stack",
         "outputs": {"url": "https://x", "key": sealed}},
        {"urn": "urn:pulumi:cluster::mlp::pulumi:providers:test::default", "type": "pulumi:providers:test",
         "custom": True, "id": "p"},
        {"urn": URN, "type": "test:index:Network", "custom": True, "id": "net-real",
         "inputs": {"range": "10.0.0.0/16", "key": sealed}, "outputs": {"address": "10.0.0.1", "range": "10.0.0.0/16"}},
        {"urn": "urn:x::pulumi:providers:test::own", "type": "pulumi:providers:test", "custom": True,
         "inputs": {"key": sealed}},
        {"urn": f"{URN}-old", "type": "test:index:Network", "custom": True, "id": "net-old", "delete": True},
    ]  # fmt: skip
    document = {"version": 3, "checkpoint": {"latest": {"resources": resources}}}
    path = home / "state" / ".pulumi" / "stacks" / "mlp" / "cluster.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document), "utf-8")
    Home(home, None, ()).save_settings("cluster", {"encryptionsalt": vault.state})


def test_resources_that_providers_handle_are_read_with_secrets_opened(tmp_path: Path) -> None:
    write_state(tmp_path, "right")
    found = read_kept(tmp_path, "cluster", lambda: "right")
    assert found is not None
    (kept,) = found.resources
    assert (kept.urn, kept.kind, kept.name, kept.identity) == (URN, "test:index:Network", "main", "net-real")
    assert kept.inputs == {"range": "10.0.0.0/16", "key": "s3cret"}
    assert kept.secrets == {"key"}
    assert "s3cret" not in repr(found)
    assert found.outputs["key"].value == "s3cret"
    assert found.providers["own"] == {"key": "s3cret"}
    assert not found.settled, "an old resource waits to be deleted"
    assert read_kept(tmp_path, "components", lambda: "right") is None
    with pytest.raises(VaultError):
        read_kept(tmp_path, "cluster", lambda: "wrong")


class _Network(pulumi.CustomResource):
    address: pulumi.Output[str]

    def __init__(self, name: str, span: str) -> None:
        super().__init__("test:index:Network", name, {"range": span, "address": None})


class _Door(pulumi.CustomResource):
    def __init__(self, name: str, network: _Network) -> None:
        super().__init__("test:index:Door", name, {"network": network.id, "at": network.address})


@dataclass(frozen=True)
class Program:
    """Two networks with a door each."""

    def __call__(self) -> None:
        for name in ("main", "second"):
            _Door(name, _Network(name, "10.0.0.0/16"))


class MadeUp:
    """Addresses of what is not there yet."""

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"address": f"made-up-{name}", "id": f"id-of-{name}"} if kind == "test:index:Network" else {}

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise LookupError(token)


def test_what_exists_answers_with_what_it_is_and_the_rest_is_known_as_made_up() -> None:
    kept = KeptStack((Kept(URN, "test:index:Network", "main", "net-real", {}, {"address": "10.0.0.1"}),))
    found = declare_against(Program(), kept, MadeUp(), "cluster")
    doors = {door.name: door.properties for door in found.declaration.of("test:index:Door")}
    assert doors == {
        "main": {"network": "net-real", "at": "10.0.0.1"},
        "second": {"network": "id-of-second", "at": "made-up-second"},
    }
    assert set(found.made_up) == {"made-up-second", "id-of-second"}
    assert found.declaration.one("test:index:Network", "main").urn == URN
