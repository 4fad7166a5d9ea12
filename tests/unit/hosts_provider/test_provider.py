"""Checks, diffs and states of the plugin, with a resource whose real thing is a dictionary."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pulumi.provider.experimental import provider as pulumi_provider
from pulumi.runtime.rpc import UNKNOWN

from infra.hosts.errors import HostError
from infra.providers.hosts import provider as module
from infra.providers.hosts.models import OnHost
from infra.providers.hosts.provider import HostsProvider
from infra.providers.hosts.resource import LIVE, Resource, Say
from infra.providers.plugin.model import InitFailed
from infra.providers.plugin.values import Properties, marked_map, plain_map

URN = "urn:pulumi:cluster::mlp::hosts:index:Thing::node1"
INPUTS: dict[str, Any] = {"installation": "trial", "host": "node1", "base": "/var/lib/mlp", "size": 3}


class ThingInputs(OnHost):
    size: int = 1


class Thing(Resource[ThingInputs]):
    kind = "hosts:index:Thing"
    inputs = ThingInputs
    outputs = ("token", LIVE)
    secret = frozenset({"token"})

    def __init__(self) -> None:
        self.real: dict[str, Any] | None = None
        self.breaks_after_making = False

    def create(self, inputs: ThingInputs, say: Say) -> dict[str, Any]:
        say("making")
        self.real = {"size": inputs.size}
        if self.breaks_after_making:
            raise HostError("it does not answer")
        return {"token": "s3cret", LIVE: True}

    def read(self, inputs: ThingInputs, old: dict[str, Any]) -> dict[str, Any] | None:
        return None if self.real is None else {**old, LIVE: self.live(inputs)}

    def live(self, inputs: ThingInputs) -> bool:
        return self.real == {"size": inputs.size}

    def partial(self, inputs: ThingInputs) -> bool:
        return self.real is not None

    def delete(self, inputs: ThingInputs, old: dict[str, Any], say: Say) -> None:
        self.real = None


@pytest.fixture
def thing(monkeypatch: pytest.MonkeyPatch) -> Thing:
    made = Thing()
    monkeypatch.setattr(module, "RESOURCES", {Thing.kind: made})
    return made


async def _quiet(urn: str, severity: str, text: str, ephemeral: bool) -> None:
    del urn, severity, text, ephemeral


def _create(preview: bool = False) -> pulumi_provider.CreateResponse:
    request = pulumi_provider.CreateRequest(URN, marked_map(INPUTS), 0, preview)
    return asyncio.run(HostsProvider(_quiet).create(request))


def _diff(state: Properties, **changes: Any) -> pulumi_provider.DiffResponse:
    new = {key: value for key, value in {**INPUTS, **changes}.items() if value is not None}
    return asyncio.run(
        HostsProvider(_quiet).diff(pulumi_provider.DiffRequest(URN, "trial/node1", state, marked_map(new), []))
    )


def test_a_creation_gives_the_outputs_beside_the_inputs_and_keeps_secrets_secret(thing: Thing) -> None:
    created = _create()
    assert created.resource_id == "trial/node1"
    assert plain_map(created.properties) == {**INPUTS, "token": "s3cret", LIVE: True}
    assert [key for key, value in created.properties.items() if value.is_secret] == ["token"]


def test_a_preview_makes_nothing_and_knows_no_output(thing: Thing) -> None:
    planned = _create(preview=True)
    assert thing.real is None
    assert planned.properties["token"].value == UNKNOWN
    assert planned.properties["token"].is_secret


def test_a_failure_that_leaves_something_is_remembered(thing: Thing) -> None:
    thing.breaks_after_making = True
    with pytest.raises(InitFailed, match="does not answer") as caught:
        _create()
    assert caught.value.resource_id == "trial/node1"
    assert plain_map(caught.value.inputs) == INPUTS
    assert _diff(caught.value.properties).changes


def test_nothing_differs_where_the_real_thing_works(thing: Thing) -> None:
    state = _create().properties
    assert _diff(state).changes is False


def test_what_no_longer_works_is_updated_though_no_input_changed(thing: Thing) -> None:
    state = _create().properties
    thing.real = {}
    found = _diff(state)
    assert (found.changes, found.replaces, found.diffs) == (True, [], [LIVE])


def test_a_changed_input_updates_and_another_host_replaces(thing: Thing) -> None:
    state = _create().properties
    update = _diff(state, size=4)
    assert (update.changes, update.replaces, update.diffs) == (True, [], ["size"])
    replacement = _diff(state, host="node2")
    assert replacement.replaces == ["host"]
    assert replacement.delete_before_replace
    assert replacement.detailed_diff["host"].kind == pulumi_provider.PropertyDiffKind.UPDATE_REPLACE


def test_an_unknown_input_differs_without_being_looked_at(thing: Thing) -> None:
    assert _diff(_create().properties, size=UNKNOWN).changes


def test_the_same_inputs_written_differently_do_not_differ(thing: Thing) -> None:
    request = pulumi_provider.CheckRequest(URN, {}, marked_map({"installation": "trial", "host": "node1"}), b"")
    checked = asyncio.run(HostsProvider(_quiet).check(request))
    assert plain_map(checked.inputs or {}) == {
        "installation": "trial",
        "host": "node1",
        "base": "/var/lib/mlp",
        "size": 1,
    }


def test_wrong_inputs_are_all_named(thing: Thing) -> None:
    request = pulumi_provider.CheckRequest(URN, {}, marked_map({"host": "node1", "size": "big", "colour": 1}), b"")
    checked = asyncio.run(HostsProvider(_quiet).check(request))
    assert {failure.property for failure in checked.failures or []} == {"installation", "size", "colour"}


def test_reading_says_what_is_and_what_is_gone(thing: Thing) -> None:
    created = _create()
    inputs = marked_map(INPUTS)

    def read() -> pulumi_provider.ReadResponse:
        request = pulumi_provider.ReadRequest(URN, "trial/node1", created.properties, inputs)
        return asyncio.run(HostsProvider(_quiet).read(request))

    assert plain_map(read().properties)[LIVE] is True
    thing.real = {}
    stopped = read()
    assert stopped.resource_id == "trial/node1"
    assert plain_map(stopped.properties) == {**INPUTS, "token": "s3cret", LIVE: False}
    thing.real = None
    assert read().resource_id is None


def test_an_unknown_kind_is_refused_by_name(thing: Thing) -> None:
    request = pulumi_provider.CheckRequest(URN.replace("Thing", "Cloud"), {}, {}, b"")
    with pytest.raises(HostError, match="no resource hosts:index:Cloud"):
        asyncio.run(HostsProvider(_quiet).check(request))
