"""What a program declares, without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pytest

from infra.engine.declared import declare


class Group(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("test:index:Group", name)
        self.network = pulumi.CustomResource(
            "test:index:Network",
            "net",
            {"cidr": "10.0.0.0/16", "address": None},
            pulumi.ResourceOptions(parent=self, protect=True),
        )
        self.register_outputs({})


@dataclass(frozen=True)
class Small:
    def __call__(self) -> None:
        group = Group("group")
        address = pulumi.Output.from_input(pulumi.get(group.network, "address"))
        pulumi.CustomResource(
            "test:index:Server",
            "server",
            {"at": address.apply(lambda value: f"tcp://{value}"), "password": pulumi.Output.secret({"value": "hush"})},
        )
        pulumi.export("at", address)
        pulumi.export("hidden", pulumi.Output.secret("hush"))


@dataclass(frozen=True)
class Address:
    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"address": "10.0.0.7", "id": f"{name}-1"} if kind == "test:index:Network" else {}

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}


def test_resources_with_parents_dependencies_protection_and_secrets() -> None:
    found = declare(Small(), Address())
    network, server = found.one("test:index:Network", "net"), found.one("test:index:Server", "server")
    assert network.protect
    assert network.parent.endswith("test:index:Group::group")
    assert not found.one("test:index:Group", "group").custom
    assert server.properties == {"at": "tcp://10.0.0.7", "password": {"value": "hush"}}
    assert server.depends == (network.urn,)
    assert server.secrets == ("password",)
    assert server.parent == ""
    assert found.exports == {"at": "10.0.0.7", "hidden": "hush"}


def broken() -> None:
    raise ValueError("no zone is left")


def test_what_the_program_raises_comes_out() -> None:
    with pytest.raises(ValueError, match="no zone is left"):
        declare(broken)


def test_a_missing_resource_names_those_that_are_there() -> None:
    with pytest.raises(LookupError, match="there are: net"):
        declare(Small(), Address()).one("test:index:Network", "other")
