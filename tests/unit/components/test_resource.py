"""The Pulumi resource of a component, under Pulumi's mocks."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.catalog import component
from components.resource import InstalledComponent, resource_name, type_token
from tests.servers.installs import install


class _Recorder(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.resources: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        self.resources.append(args)
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None


@pytest.fixture
def recorder() -> _Recorder:
    made = _Recorder()
    pulumi.runtime.set_mocks(made, project="test", stack="components", preview=False)
    return made


def test_names_and_types_come_from_the_object() -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "ns"}}
    assert (resource_name(obj), type_token(obj)) == ("configmap/ns/a", "kubernetes:core/v1:ConfigMap")
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "b"}}
    assert resource_name(role) == "clusterrole/b"
    assert type_token(role) == "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"


def test_every_object_is_registered_below_its_component(recorder: _Recorder) -> None:
    tracking = component("tracking")

    @pulumi.runtime.test
    def program() -> Any:
        return InstalledComponent(tracking, tracking.settings(), install()).version

    program()
    objects = tracking.objects(tracking.settings(), install())
    children = {args.name: args for args in recorder.resources if args.typ.startswith("kubernetes:")}
    assert set(children) == {resource_name(obj) for obj in objects}
    for obj in objects:
        inputs = children[resource_name(obj)].inputs
        assert inputs["kind"] == obj["kind"]
        assert inputs["metadata"]["name"] == obj["metadata"]["name"]


def test_services_are_not_waited_for_since_their_pods_come_later(recorder: _Recorder) -> None:
    tracking = component("tracking")

    @pulumi.runtime.test
    def program() -> Any:
        return InstalledComponent(tracking, tracking.settings(), install()).version

    program()
    waits = {
        args.typ: args.inputs["metadata"].get("annotations", {}).get("pulumi.com/skipAwait")
        for args in recorder.resources
        if args.typ.startswith("kubernetes:")
    }
    assert waits["kubernetes:core/v1:Service"] == "true"
    assert waits["kubernetes:apps/v1:Deployment"] is None
