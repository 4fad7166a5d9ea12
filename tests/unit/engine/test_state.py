"""Reading and mending checkpoints."""

from __future__ import annotations

import copy
import json
from typing import Any

from infra.engine import repair, state
from infra.engine.model import Output
from infra.engine.vault import Vault

SIG, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
CM = "urn:pulumi:components::mlp::kubernetes:core/v1:ConfigMap::settings"


def checkpoint(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "checkpoint": {"latest": {"resources": list(resources)}}}


def test_outputs_are_opened_and_marked() -> None:
    vault = Vault.create("x")
    sealed = {SIG: SECRET, "ciphertext": vault.seal(json.dumps({"password": "hush"}))}
    stack = {"type": "pulumi:pulumi:Stack", "outputs": {"url": "https://x", "login": sealed, "list": [{"a": sealed}]}}
    found = state.outputs(checkpoint(stack), vault)
    assert found["url"] == Output("https://x")
    assert found["login"] == Output({"password": "hush"}, secret=True)
    assert found["list"] == Output([{"a": {"password": "hush"}}], secret=True)
    assert "hush" not in repr(found)


def test_what_an_update_left_to_do_is_seen() -> None:
    done = {"type": "kubernetes:core/v1:ConfigMap", "custom": True, "delete": False, "initErrors": None}
    assert state.settled(checkpoint({"type": "pulumi:pulumi:Stack"}, done))
    for left in ({"delete": True}, {"initErrors": ["0 of 1 replicas ready"]}, {"pendingReplacement": True}):
        assert not state.settled(checkpoint(done, {**done, **left})), left
    cut = checkpoint(done)
    cut["checkpoint"]["latest"]["pending_operations"] = [{"type": "creating"}]
    assert not state.settled(cut)


def test_a_state_without_a_stack_has_no_outputs() -> None:
    assert state.outputs(checkpoint(), Vault.create("x")) == {}
    assert state.outputs({"checkpoint": {}}, Vault.create("x")) == {}


def test_only_what_a_provider_handles_is_counted() -> None:
    found = checkpoint(
        {"type": "pulumi:pulumi:Stack"},
        {"type": "pulumi:providers:kubernetes", "custom": True},
        {"type": "mlp:components:Tracking"},
        {"type": "kubernetes:core/v1:ConfigMap", "custom": True},
    )
    assert state.handled(found) == 1


def pending(inputs: dict[str, Any], kind: str = "kubernetes:core/v1:ConfigMap") -> dict[str, Any]:
    resource = {"urn": CM, "type": kind, "custom": True, "inputs": inputs}
    return {"deployment": {"resources": [], "pending_operations": [{"type": "creating", "resource": resource}]}}


def test_a_create_with_a_fixed_name_is_simply_done_again() -> None:
    settled = repair.settle(pending({"metadata": {"name": "settings"}}))
    assert settled["deployment"] == {"resources": []}


def test_a_generated_name_is_kept_as_a_resource_that_is_not_ready() -> None:
    metadata = {"name": "settings-1a2b", "namespace": "ns", "annotations": {"pulumi.com/autonamed": "true"}}
    before = pending({"metadata": metadata})
    untouched = copy.deepcopy(before)
    (kept,) = repair.settle(before)["deployment"]["resources"]
    assert kept["id"] == "ns/settings-1a2b"
    assert kept["initErrors"]
    assert kept["outputs"] == {"metadata": metadata}
    assert before == untouched


def test_a_generated_name_that_the_state_has_already_is_not_doubled() -> None:
    metadata = {"name": "settings-1a2b", "annotations": {"pulumi.com/autonamed": "true"}}
    found = pending({"metadata": metadata})
    found["deployment"]["resources"] = [{"urn": CM}]
    assert repair.settle(found)["deployment"]["resources"] == [{"urn": CM}]


def test_other_unfinished_operations_are_forgotten() -> None:
    found = pending({}, kind="hosts:index:Host")
    found["deployment"]["pending_operations"][0]["type"] = "deleting"
    assert repair.settle(found)["deployment"] == {"resources": []}
