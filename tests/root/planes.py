"""A cluster with three control planes on hosts of this machine, under the real engine: the bed of test_planes.

A further host, `door`, carries the switch and the way in, so that any control plane may be killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pulumi

from components.images import GoBinary
from infra.clusters.local import CONTROL_PLANE_IMAGES, HOST_TOOLS, NODE_IMAGES, HostTools, host_tools
from infra.clusters.resources import ControlPlane, Host, HostImages
from infra.engine.engine import Engine
from infra.engine.model import Plugin, Result
from infra.hosts import lifecycle, virtual
from infra.hosts.errors import HostError
from infra.hosts.layout import Layout
from infra.hosts.transport import LocalTransport
from infra.installation.home import cache_root
from infra.lifecycle.supplies import PROJECT_ROOT
from infra.providers.hosts import PLUGIN_VERSION
from infra.providers.hosts.models import (
    ControlPlaneInputs,
    ForwardInput,
    HostImagesInputs,
    HostInputs,
    ImageInput,
    PeerInput,
    TargetInput,
    VirtualInput,
)
from infra.supply.kubernetes_images import kubernetes_images, virtual_address_image
from infra.supply.model import ImageSet
from infra.supply.source import SourceSupply
from infra.toolchain.service import Toolchain
from infra.toolchain.versions import KUBERNETES_VERSION
from tests.root.conftest import free_port

STACK = "cluster"
DOOR = "door"
NODES, PODS, SERVICES = "10.251.7.0/24", "10.245.0.0/16", "10.97.0.0/16"
VIRTUAL = "10.251.7.100"


def address(name: str) -> str:
    """A host's address."""
    return "10.251.7.9" if name == DOOR else f"10.251.7.{int(name.removeprefix('plane')) + 10}"


@dataclass
class Bed:
    """One installation. `up` makes what `names` says."""

    folder: Path
    names: tuple[str, ...] = ("plane1", "plane2", "plane3")
    renew_days: int | None = None
    installation: str = field(default_factory=lambda: f"t{os.urandom(4).hex()}")
    port: int = field(default_factory=free_port)
    kubeconfig: str = field(default="", repr=False)

    @cached_property
    def tools(self) -> HostTools:
        """What hosts run."""
        return host_tools(Toolchain(cache_root()).ensure([*HOST_TOOLS, "pulumi"]))

    @cached_property
    def supply(self) -> SourceSupply:
        """Where images come from."""
        return SourceSupply(cache_root(), Toolchain(cache_root()), PROJECT_ROOT)

    @cached_property
    def images(self) -> ImageSet:
        """The cluster's own images and the virtual address's."""
        images = (*kubernetes_images(), virtual_address_image())
        inside = [layer.tool for image in images for layer in image.layers if isinstance(layer, GoBinary)]
        Toolchain(cache_root()).ensure(inside)
        return self.supply.build(images)

    @cached_property
    def engine(self) -> Engine:
        """Pulumi."""
        pulumi_tool = Toolchain(cache_root()).ensure(["pulumi"])["pulumi"]
        plugin = Plugin("hosts", PLUGIN_VERSION, (sys.executable, "-m", "infra.providers.hosts"))
        return Engine(self.folder / "home", pulumi_tool.path, plugins=(plugin,), passphrase=lambda: "trial")

    def program(self) -> None:
        """Hosts, their images, and one control plane after the other."""
        door = self._host(DOOR)
        before: list[pulumi.Resource] = []
        first: ControlPlane | None = None
        for name in self.names:
            host = self._host(name)
            images = self._images(name, host)
            before.append(images)
        for name in self.names:
            made = ControlPlane(name, self._plane(name), pulumi.ResourceOptions(depends_on=[door, *before]))
            before.append(made)
            first = first or made
        assert first is not None
        pulumi.export("kubeconfig", first.kubeconfig)

    def _on(self, name: str) -> dict[str, Any]:
        return {"installation": self.installation, "host": name, "base": str(self.folder / "hosts")}

    def _host(self, name: str) -> Host:
        target = TargetInput(address=VIRTUAL, port=6443)
        return Host(
            name,
            HostInputs(
                **self._on(name),
                address=address(name),
                peers=tuple(PeerInput(name=each, address=address(each)) for each in dict.fromkeys((DOOR, name))),
                nodes=NODES,
                pods=PODS,
                services=SERVICES,
                tools=self.tools.files,
                folders=self.tools.folders,
                env=self.tools.env,
                sandbox_image=self.images["pause"].reference,
                forwards=(ForwardInput(name="api", port=self.port, targets=(target,)),) if name == DOOR else (),
            ),
        )

    def _images(self, name: str, host: Host) -> HostImages:
        chosen = self.images.select((*NODE_IMAGES, *CONTROL_PLANE_IMAGES, "keepalived"))
        inputs = HostImagesInputs(
            **self._on(name),
            store=str(self.supply.store.root),
            architecture=self.supply.architecture,
            images=tuple(
                ImageInput(name=image.name, reference=image.reference, digest=image.digest, size=image.manifest.size)
                for image in chosen
            ),
        )
        return HostImages(f"{name}-images", inputs, pulumi.ResourceOptions(depends_on=[host]))

    def _plane(self, name: str) -> ControlPlaneInputs:
        return ControlPlaneInputs(
            **self._on(name),
            address=address(name),
            cgroup_root=f"/mlp-{self.installation}-{name}",
            cluster_name=f"mlp-{self.installation}",
            kubernetes_version=f"v{KUBERNETES_VERSION}",
            registry="registry.mlp.internal",
            etcd_tag=self.images["etcd"].reference.rpartition(":")[2],
            dns_tag=self.images["coredns"].reference.rpartition(":")[2],
            pods=PODS,
            services=SERVICES,
            server=f"https://127.0.0.1:{self.port}",
            control_planes=tuple(PeerInput(name=each, address=address(each)) for each in self.names),
            virtual=VirtualInput(address=VIRTUAL, image=self.images["keepalived"].reference),
            renew_days=self.renew_days,
        )

    def up(self) -> Result:
        """`platform up`'s step for the cluster; keeps the kubeconfig that it gives."""
        result = self.engine.up(STACK, self.program, refresh=True)
        self.kubeconfig = str(result.outputs["kubeconfig"].value)
        (self.folder / "kubeconfig").touch(mode=0o600)
        (self.folder / "kubeconfig").write_text(self.kubeconfig)
        return result

    def kubectl(self, *arguments: str, stdin: object = None, check: bool = True) -> str:
        """From the machine, through the door and the virtual address."""
        done = subprocess.run(
            [self.tools.files["kubectl"], f"--kubeconfig={self.folder / 'kubeconfig'}", *arguments],
            input=None if stdin is None else json.dumps(stdin),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def answers(self) -> bool:
        """Whether the API takes a write now: reads could come from a cache."""
        note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "beat"}, "data": {"at": str(time.time())}}
        return bool(self.kubectl("--request-timeout=2s", "apply", "-f", "-", stdin=note, check=False))

    def layout(self, name: str) -> Layout:
        """A host's folder."""
        return Layout(self.installation, name, self.folder / "hosts")

    def transport(self, name: str) -> LocalTransport:
        """A way into a host."""
        return LocalTransport(self.layout(name))

    def holders(self) -> list[str]:
        """Hosts that have the virtual address now."""
        found = []
        for name in self.names:
            try:
                if virtual.holds(self.transport(name), VIRTUAL):
                    found.append(name)
            except HostError:
                continue
        return found

    def kill(self, name: str) -> None:
        """Power off: the host's supervisor is killed, and everything of the host with it."""
        state = lifecycle.current(self.layout(name))
        assert state is not None
        state.supervisor.signal(signal.SIGKILL)

    def lose(self, name: str) -> None:
        """The host and its disk are gone for good."""
        lifecycle.remove(self.layout(name), f"mlp-{self.installation}-{name}")

    def remove(self) -> None:
        """Nothing is left."""
        for name in (*(path.name for path in (self.folder / "hosts" / self.installation).glob("plane*")), DOOR):
            self.lose(name)
