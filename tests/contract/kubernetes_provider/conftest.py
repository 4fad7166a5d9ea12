"""The conformance suite runs against the embedded plugin and, where one is installed, the official one.

PULUMI_KUBERNETES_PLUGIN=/path/to/pulumi-resource-kubernetes pytest tests/contract/kubernetes_provider
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.resource import type_token
from infra.engine.engine import Engine
from infra.engine.model import Event, Plugin, Result
from infra.providers.kubernetes import PLUGIN_NAME, PLUGIN_VERSION
from infra.stacks.objects import KubernetesProvider
from tests.servers.binaries import find
from tests.servers.kubelet import Kubelet
from tests.servers.kubernetes import KubernetesServer

Obj = dict[str, Any]
OFFICIAL = os.environ.get("PULUMI_KUBERNETES_PLUGIN")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case runs once per plugin."""
    if "plugin" in metafunc.fixturenames:
        missing = pytest.mark.skip(reason="no official plugin: set PULUMI_KUBERNETES_PLUGIN to its path")
        official = pytest.param("official", marks=() if OFFICIAL else missing)
        metafunc.parametrize("plugin", ["embedded", official], indirect=True, scope="session")


@pytest.fixture(scope="session")
def plugin(request: pytest.FixtureRequest) -> Plugin:
    """The plugin under test."""
    if request.param == "official":
        return Plugin(PLUGIN_NAME, PLUGIN_VERSION, (str(OFFICIAL),))
    return Plugin(PLUGIN_NAME, PLUGIN_VERSION, (sys.executable, "-m", "infra.providers.kubernetes"))


@pytest.fixture(scope="session")
def engine(plugin: Plugin, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One installation; every case has a stack of its own."""
    return Engine(tmp_path_factory.mktemp("engine"), find("pulumi"), plugins=[plugin])


@dataclass
class Case:
    """A stack on a namespace of its own. A program is a mapping of resource name to object, made in that order."""

    engine: Engine
    server: KubernetesServer
    namespace: str
    stack: str
    kubeconfig: str
    events: list[Event] = field(default_factory=list)
    timeouts: pulumi.CustomTimeouts | None = None

    def program(self, objects: Mapping[str, Obj], *, in_order: bool = False) -> Any:
        """Registers the objects with a provider whose namespace is the case's."""
        timeouts = self.timeouts

        def run() -> None:
            provider = KubernetesProvider("cluster", kubeconfig=self.kubeconfig, cluster=self.stack, patience=2)
            previous: list[pulumi.Resource] = []
            for name, obj in objects.items():
                options = pulumi.ResourceOptions(
                    provider=provider, depends_on=previous if in_order else None, custom_timeouts=timeouts
                )
                made = pulumi.CustomResource(type_token(obj), name, dict(obj), options)
                previous = [made]
                pulumi.export(name, made.id)

        return run

    def up(self, objects: Mapping[str, Obj], *, in_order: bool = False, refresh: bool = False) -> Result:
        self.events.clear()
        program = self.program(objects, in_order=in_order)
        return self.engine.up(self.stack, program, on_event=self.events.append, refresh=refresh)

    def preview(self, objects: Mapping[str, Obj]) -> Result:
        self.events.clear()
        return self.engine.preview(self.stack, self.program(objects), on_event=self.events.append)

    def destroy(self) -> Result:
        self.events.clear()
        return self.engine.destroy(self.stack, on_event=self.events.append)

    def ops(self, result: Result) -> dict[str, str]:
        """Resource name → op, for what changed."""
        return {change.resource.name: change.op.value for change in result.changes}

    def path(self, collection: str, name: str = "") -> str:
        """URL path, such as of `v1/configmaps` or `apps/v1/deployments`, in the case's namespace."""
        prefix, _, plural = collection.rpartition("/")
        root = "/api/v1" if prefix == "v1" else f"/apis/{prefix}"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def get(self, collection: str, name: str) -> Obj:
        found: Obj = self.server.request("GET", self.path(collection, name))
        return found

    def list(self, collection: str) -> list[Obj]:
        return list(self.server.request("GET", self.path(collection))["items"])

    def post(self, collection: str, obj: Obj) -> Obj:
        made: Obj = self.server.request("POST", self.path(collection) + "?fieldManager=somebody", obj)
        return made

    def merge(self, collection: str, name: str, patch: Obj, *, subresource: str = "") -> Obj:
        """As another manager, called `somebody`."""
        path = self.path(collection, name) + subresource + "?fieldManager=somebody"
        changed: Obj = self.server.request("PATCH", path, patch, content_type="application/merge-patch+json")
        return changed

    def delete(self, collection: str, name: str) -> None:
        self.server.request("DELETE", self.path(collection, name))

    def uid(self, collection: str, name: str) -> str:
        return str(self.get(collection, name)["metadata"]["uid"])

    def state(self) -> str:
        """Everything that Pulumi keeps on disk, as text."""
        home: Path = self.engine._project.home.path
        files = [path for path in home.rglob("*") if path.is_file() and path.suffix in {".json", ".yaml"}]
        return "\n".join(path.read_text() for path in files)


@pytest.fixture
def case(engine: Engine, kubernetes_server: KubernetesServer, tmp_path: Path) -> Case:
    """A fresh stack and namespace."""
    namespace = kubernetes_server.create_namespace("case")
    kubeconfig = tmp_path / "kubeconfig"
    text = kubernetes_server.kubeconfig.read_text()
    kubeconfig.write_text(text.replace("cluster: test\n", f"cluster: test\n    namespace: {namespace}\n", 1))
    assert namespace in kubeconfig.read_text()
    return Case(engine, kubernetes_server, namespace, f"case-{uuid.uuid4().hex[:8]}", str(kubeconfig))


@pytest.fixture
def kubelet(case: Case) -> Iterator[Kubelet]:
    """Plays scheduler and node for the case's namespace."""
    with Kubelet(case.server, case.namespace) as node:
        yield node
