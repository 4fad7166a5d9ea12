"""The resources of plugin `hosts` as Pulumi programs use them. Inputs are the plugin's own models, so both agree."""

from __future__ import annotations

from typing import Any, cast

import pulumi

from infra.providers.hosts import PLUGIN_VERSION
from infra.providers.hosts.models import (
    ControlPlaneInputs,
    HostImagesInputs,
    HostInputs,
    MachineInputs,
    NodeInputs,
    OnHost,
)


class _Resource(pulumi.CustomResource):
    """`_kind` is the type token, `_outputs` what the plugin adds to the inputs."""

    _kind: str
    _outputs: tuple[str, ...] = ()

    def __init__(self, name: str, inputs: OnHost, opts: pulumi.ResourceOptions | None = None) -> None:
        properties: dict[str, Any] = {**inputs.properties(), **dict.fromkeys(self._outputs)}
        own = pulumi.ResourceOptions(version=PLUGIN_VERSION)
        super().__init__(self._kind, name, properties, pulumi.ResourceOptions.merge(own, opts))

    def _output(self, name: str) -> pulumi.Output[str]:
        return cast("pulumi.Output[str]", pulumi.get(self, name))


class Host(_Resource):
    """A host of this machine."""

    _kind = "hosts:index:Host"
    _outputs = ("cgroup",)

    def __init__(self, name: str, inputs: HostInputs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, inputs, opts)


class Machine(_Resource):
    """A bare host over SSH."""

    _kind = "hosts:index:Machine"

    def __init__(self, name: str, inputs: MachineInputs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, inputs, opts)


class HostImages(_Resource):
    """Images in a host's containerd."""

    _kind = "hosts:index:HostImages"

    def __init__(self, name: str, inputs: HostImagesInputs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, inputs, opts)


class ControlPlane(_Resource):
    """The first node of a cluster."""

    _kind = "hosts:index:ControlPlane"
    _outputs = ("kubeconfig", "caCertificate", "endpoint")

    def __init__(self, name: str, inputs: ControlPlaneInputs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, inputs, opts)

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """The administrator's kubeconfig; secret."""
        return pulumi.Output.secret(self._output("kubeconfig"))


class Node(_Resource):
    """A worker."""

    _kind = "hosts:index:Node"

    def __init__(self, name: str, inputs: NodeInputs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, inputs, opts)
