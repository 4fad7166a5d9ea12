"""The program of the local cluster, declared against Pulumi's mocks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.clusters.errors import ClusterError
from infra.clusters.local import HOST_TOOLS, HostTools, LocalCluster, host_tools
from infra.clusters.outputs import exports, from_engine, node_address
from infra.engine.model import Output
from infra.hosts.model import TOOLS
from infra.providers.hosts.provider import RESOURCES
from infra.supply.model import Blob, BuiltImage, ImageSet

_IMAGES = (
    "pause",
    "kube-proxy",
    "coredns",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "gateway",
)


def _image(name: str) -> BuiltImage:
    return BuiltImage(name, f"registry.mlp.internal/{name}:v1", Blob(f"sha256:{name}", 9), Blob("sha256:c", 9), ())


@dataclass(frozen=True)
class FakeTool:
    path: Path
    env: dict[str, str] = field(default_factory=dict)


def _cluster(nodes: int) -> LocalCluster:
    return LocalCluster(
        installation="trial",
        nodes=nodes,
        tainted=nodes > 1,
        pods="10.244.0.0/16",
        services="10.96.0.0/16",
        hosts="10.250.0.0/24",
        api_port=16443,
        gateway_port=8443,
        kubernetes_version="v1.36.3",
        registry="registry.mlp.internal/",
        tools=HostTools({"kubelet": "/cache/kubelet"}, (), {}),
        images=ImageSet({name: _image(name) for name in _IMAGES}),
        store=Path("/cache/images"),
        architecture="amd64",
    )


class Recorder(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.made: dict[tuple[str, str], dict[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made[args.typ.rpartition(":")[2], args.name] = dict(args.inputs)
        outputs = {"kubeconfig": "apiVersion: v1"} if args.typ.endswith("ControlPlane") else {}
        return f"{args.name}-id", {**args.inputs, **outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"the program calls nothing, but called {args.token}")


@contextmanager
def _closed_loops() -> Iterator[None]:
    """Pulumi makes an event loop in every thread that has none, and never closes them."""
    made: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def remember() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", remember)
        patch.setattr(asyncio.events, "new_event_loop", remember)
        main = asyncio.new_event_loop()
        asyncio.set_event_loop(main)
        try:
            yield
        finally:
            main.run_until_complete(main.shutdown_default_executor())
            asyncio.set_event_loop(None)
            for loop in made:
                loop.close()


def _declared(cluster: LocalCluster) -> dict[tuple[str, str], dict[str, Any]]:
    recorder = Recorder()
    with _closed_loops():
        pulumi.runtime.set_mocks(recorder, project="mlp", stack="cluster", preview=False)

        @pulumi.runtime.test
        def run() -> None:
            cluster()

        run()
    return recorder.made


def test_one_node_is_a_host_its_images_and_a_control_plane() -> None:
    assert sorted(_declared(_cluster(1))) == [
        ("ControlPlane", "node1"),
        ("Host", "node1"),
        ("HostImages", "node1-kubernetes"),
        ("HostImages", "node1-platform"),
    ]


def test_three_nodes_are_three_hosts_of_which_two_join() -> None:
    made = _declared(_cluster(3))
    assert sorted(name for kind, name in made if kind == "Host") == ["node1", "node2", "node3"]
    assert sorted(name for kind, name in made if kind == "Node") == ["node2", "node3"]
    assert made["Node", "node3"]["controlPlaneAddress"] == "10.250.0.1"
    assert made["ControlPlane", "node1"]["tainted"] is True
    assert made["ControlPlane", "node1"]["dnsReplicas"] == 2


def test_adding_a_node_changes_of_other_hosts_only_the_forwards() -> None:
    before, after = _declared(_cluster(2)), _declared(_cluster(3))
    assert before["Host", "node2"] == after["Host", "node2"]
    changed = {key for key, value in after["Host", "node1"].items() if before["Host", "node1"][key] != value}
    assert changed == {"forwards"}


def test_the_gateway_is_forwarded_to_every_node_and_the_api_to_the_control_plane() -> None:
    forwards = {item["name"]: item for item in _declared(_cluster(2))["Host", "node1"]["forwards"]}
    assert [target["address"] for target in forwards["gateway"]["targets"]] == ["10.250.0.1", "10.250.0.2"]
    assert forwards["gateway"]["port"] == 8443
    assert forwards["api"]["targets"] == [{"address": "10.250.0.1", "port": 6443}]


def test_workers_do_not_get_the_control_plane_s_images() -> None:
    made = _declared(_cluster(2))
    names = {
        name: sorted(image["name"] for image in inputs["images"])
        for (kind, name), inputs in made.items()
        if kind == "HostImages"
    }
    assert names["node2-kubernetes"] == ["coredns", "kube-proxy", "pause"]
    assert len(names["node1-kubernetes"]) == 7
    assert names["node1-platform"] == names["node2-platform"] == ["gateway"]


def test_the_plugin_accepts_what_the_program_declares() -> None:
    for (kind, _), inputs in _declared(_cluster(2)).items():
        RESOURCES[f"hosts:index:{kind}"].inputs.model_validate(inputs)


def test_hosts_get_their_tools_with_what_lies_beside_them_and_what_they_need() -> None:
    tools = {name: FakeTool(Path(f"/cache/{name}/bin/{name}")) for name in HOST_TOOLS}
    tools["iptables"] = FakeTool(Path("/cache/iptables/iptables"), {"LD_LIBRARY_PATH": "/cache/a:/cache/b"})
    tools["runc"] = FakeTool(Path("/cache/runc/runc"), {"LD_LIBRARY_PATH": "/cache/b"})
    found = host_tools(tools)
    assert set(TOOLS) <= set(found.files)
    assert found.files["ctr"] == "/cache/containerd/bin/ctr"
    assert found.files["cni/bridge"].endswith("/bridge")
    assert found.files["ip"] == "/cache/iproute2/bin/iproute2"
    assert set(found.folders) == {"/cache/a", "/cache/b"}
    assert sorted(found.env["LD_LIBRARY_PATH"].split(":")) == ["/cache/a", "/cache/b"]


def test_a_missing_tool_is_named() -> None:
    with pytest.raises(KeyError, match="containerd"):
        host_tools({})


def test_outputs_survive_the_engine() -> None:
    cluster = _cluster(2)
    given = exports("apiVersion: v1", cluster.api_server, "v1.36.3", cluster.network(), cluster.names())
    found = from_engine({key: Output(value, secret=key == "kubeconfig") for key, value in given.items()})
    assert found.network == cluster.network()
    assert found.network.api_server_endpoints == ("10.250.0.1:6443",)
    assert found.nodes == ("node1", "node2")
    assert found.api_server == "https://127.0.0.1:16443"
    assert "apiVersion" not in repr(found)


def test_half_a_stack_is_no_cluster() -> None:
    with pytest.raises(ClusterError, match="no output 'kubeconfig'"):
        from_engine({})


def test_hosts_fit_their_range() -> None:
    assert node_address("10.250.0.0/29", 6) == "10.250.0.6"
    with pytest.raises(ClusterError, match="no room for host 7"):
        node_address("10.250.0.0/29", 7)
