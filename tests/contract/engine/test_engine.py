"""Stacks through the real CLI, against a real API server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.resource import register
from infra.engine.engine import Engine
from infra.engine.errors import PassphraseWrong, PluginMissing, ProgramFailed, PulumiMissing, StackMissing
from infra.engine.model import EventKind, Op
from infra.stacks.objects import KubernetesProvider
from tests.contract.engine.driver import engine as make_engine
from tests.servers.binaries import find
from tests.servers.kubernetes import KubernetesServer

pytestmark = pytest.mark.contract


@pytest.fixture
def namespace(kubernetes_server: KubernetesServer) -> str:
    return kubernetes_server.create_namespace("engine")


def program(server: KubernetesServer, namespace: str, **data: Any) -> Any:
    def run() -> None:
        provider = KubernetesProvider("cluster", kubeconfig=server.kubeconfig.read_text(), cluster="test", patience=2)
        for name, value in data.items():
            obj = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": namespace},
                "data": {"value": value},
            }
            register(name, obj, pulumi.ResourceOptions(provider=provider))
        pulumi.export("names", sorted(data))
        pulumi.export("hidden", pulumi.Output.secret({"a": 1}))

    return run


def texts(folder: Path) -> str:
    return "\n".join(p.read_text(errors="replace") for p in folder.rglob("*") if p.is_file())


def test_a_stack_lives_from_preview_to_destroy(
    tmp_path: Path, kubernetes_server: KubernetesServer, namespace: str
) -> None:
    engine = make_engine(tmp_path)
    events = []
    one = program(kubernetes_server, namespace, a="1", b="2")

    planned = engine.preview("components", one)
    made = engine.up("components", one, on_event=events.append)
    same = engine.up("components", one)
    changed = engine.up("components", program(kubernetes_server, namespace, a="3"))

    assert (planned.counts, made.counts) == ({"create": 2}, {"create": 2})
    assert not same.changed
    assert changed.counts == {"update": 1, "delete": 1}
    assert {(change.op, change.resource.name) for change in changed.changes} == {(Op.UPDATE, "a"), (Op.DELETE, "b")}
    assert made.outputs["names"].value == ["a", "b"]
    assert made.outputs["hidden"].secret
    assert engine.outputs("components")["hidden"].value == {"a": 1}
    assert [event.kind for event in events if event.resource and event.resource.name == "a"] == [
        EventKind.STARTED,
        EventKind.FINISHED,
    ]
    assert events[-1].kind is EventKind.SUMMARY
    assert [entry.kind for entry in engine.history("components", 2)] == ["update", "update"]

    gone = engine.destroy("components", remove=True)
    assert gone.counts == {"delete": 1}
    assert not engine.exists("components")
    assert engine.destroy("components").counts == {}


def test_the_plain_cli_shows_the_stacks_in_the_home(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    for stack in ("cluster", "components", "controlplane"):
        engine.up(stack, lambda: None)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "nobody"), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    said = subprocess.run(
        [find("pulumi"), "stack", "ls", "--json"], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert [entry["name"] for entry in json.loads(said.stdout)] == ["cluster", "components", "controlplane"]
    assert [info.name for info in engine.stacks()] == ["cluster", "components", "controlplane"]


def test_attributes_that_a_killed_run_left_empty_lock_nobody_out(tmp_path: Path) -> None:
    """As the CLI's file backend leaves them when it dies between making and filling them."""
    engine = make_engine(tmp_path)
    engine.up("components", lambda: pulumi.export("kept", "yes"))
    (state,) = (tmp_path / "state").rglob("components.json")
    assert not list((tmp_path / "state").rglob("*.attrs")), "none are made"
    Path(f"{state}.attrs").touch()
    again = make_engine(tmp_path)
    assert not again.up("components", lambda: pulumi.export("kept", "yes"), refresh=True).changed
    assert again.outputs("components")["kept"].value == "yes"


def test_configuration_and_secrets_reach_the_program_and_stay_sealed(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    seen: dict[str, Any] = {}

    def read() -> None:
        config = pulumi.Config("mlp")
        seen["size"] = config.require("size")
        seen["password"] = config.require("password")
        pulumi.export("password", config.require_secret("password"))

    result = engine.up("components", read, config={"size": "3"}, secrets={"password": "canary-password"})

    assert seen == {"size": "3", "password": "canary-password"}
    assert result.outputs["password"].value == "canary-password"
    assert "canary" not in texts(tmp_path)
    assert (tmp_path / "pulumi" / "logs").read_bytes() == b"", "the CLI keeps no log of values"
    settings = (tmp_path / "Pulumi.components.yaml").read_text()
    again = make_engine(tmp_path)
    again.up("components", read, config={"size": "3"}, secrets={"password": "canary-password"})
    assert (tmp_path / "Pulumi.components.yaml").read_text() == settings
    again.up("components", read, secrets={"password": "canary-changed"})
    assert seen == {"size": "3", "password": "canary-changed"}


def test_the_cli_reads_secrets_sealed_here(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    engine.up("components", lambda: None, secrets={"token": "hush"})
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "nobody"),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = [find("pulumi"), "config", "get", "token", "--stack", "components"]
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True, text=True)
    assert said.stdout.strip() == "hush"


def test_the_passphrase_is_never_an_argument_and_another_one_is_refused(tmp_path: Path) -> None:
    first = Engine(tmp_path, find("pulumi"), passphrase=lambda: "canary-passphrase")
    first.up("components", lambda: pulumi.export("x", pulumi.Output.secret("y")))
    second = Engine(tmp_path, find("pulumi"), passphrase=lambda: "another")
    with pytest.raises(PassphraseWrong):
        second.outputs("components")
    with pytest.raises(PassphraseWrong):
        second.up("components", lambda: None)
    assert not (tmp_path / "passphrase").exists()
    assert "canary" not in texts(tmp_path)


def test_lost_settings_are_recovered_from_the_state(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    engine.up("components", lambda: pulumi.export("x", pulumi.Output.secret("y")))
    (tmp_path / "Pulumi.components.yaml").unlink()
    assert engine.outputs("components")["x"].value == "y"
    engine.up("components", lambda: pulumi.export("x", pulumi.Output.secret("y")))


def test_what_is_missing_is_said(tmp_path: Path, kubernetes_server: KubernetesServer, namespace: str) -> None:
    with pytest.raises(PulumiMissing):
        Engine(tmp_path / "a", tmp_path / "nothing").stacks()
    with pytest.raises(StackMissing):
        make_engine(tmp_path / "b").refresh("components")
    without_plugins = Engine(tmp_path / "c", find("pulumi"))
    with pytest.raises(PluginMissing, match="kubernetes"):
        without_plugins.up("components", program(kubernetes_server, namespace, a="1"))


def test_a_program_that_raises_is_reported_in_its_own_words(tmp_path: Path) -> None:
    def broken() -> None:
        raise ValueError("seven is not a size")

    with pytest.raises(ProgramFailed, match=r"failed: seven is not a size$"):
        make_engine(tmp_path).up("components", broken)


def test_a_resource_renamed_in_the_program_keeps_its_object(
    tmp_path: Path, kubernetes_server: KubernetesServer, namespace: str
) -> None:
    def named(resource: str) -> Any:
        def run() -> None:
            kubeconfig = kubernetes_server.kubeconfig.read_text()
            provider = KubernetesProvider("cluster", kubeconfig=kubeconfig, cluster="test")
            metadata = {"name": "same", "namespace": namespace}
            obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}
            register(resource, obj, pulumi.ResourceOptions(provider=provider))

        return run

    engine = make_engine(tmp_path)
    path = f"/api/v1/namespaces/{namespace}/configmaps/same"
    engine.up("components", named("before"))
    uid = kubernetes_server.request("GET", path)["metadata"]["uid"]

    renamed = engine.up("components", named("after"))

    assert renamed.counts == {"create": 1, "delete": 1}
    assert kubernetes_server.request("GET", path)["metadata"]["uid"] == uid


def test_an_object_that_is_on_its_way_out_is_made_again(
    tmp_path: Path, kubernetes_server: KubernetesServer, namespace: str
) -> None:
    def run() -> None:
        kubeconfig = kubernetes_server.kubeconfig.read_text()
        provider = KubernetesProvider("cluster", kubeconfig=kubeconfig, cluster="test")
        options = pulumi.ResourceOptions(provider=provider)
        own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        inside = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inside", "namespace": namespace}}
        register("own", own, options)
        register("inside", inside, options)

    kubernetes_server.request("DELETE", f"/api/v1/namespaces/{namespace}")

    make_engine(tmp_path).up("components", run)

    made = kubernetes_server.request("GET", f"/api/v1/namespaces/{namespace}")
    assert made["status"]["phase"] == "Active"
    assert kubernetes_server.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/inside")
