"""hosts:index:Machine: a bare host over SSH, with our programs and services on it."""

from __future__ import annotations

from typing import Any

from infra.hosts import bare
from infra.hosts.errors import HostError
from infra.hosts.ssh import Unreachable
from infra.providers.hosts.models import MachineInputs
from infra.providers.hosts.resource import LIVE, Resource, Say, transport_of


def machine_of(inputs: MachineInputs) -> bare.Machine:
    """The machine that the inputs describe."""
    return bare.Machine(
        installation=inputs.installation,
        name=inputs.host,
        address=inputs.address,
        role=inputs.role,
        pods=inputs.pods,
        services=inputs.services,
        tools=dict(inputs.tools),
        sandbox_image=inputs.sandbox_image,
        env=dict(inputs.env),
    )


class Machine(Resource[MachineInputs]):
    """A bare host. Deleting it leaves nothing of us there; one that does not answer is given up: it may be broken for
    good, and whoever starts it again finds its kubelet refused by the cluster."""

    kind = "hosts:index:Machine"
    inputs = MachineInputs
    replaces = Resource.replaces | {"address", "role", "pods", "services"}
    outputs = (LIVE,)

    def create(self, inputs: MachineInputs, say: Say) -> dict[str, Any]:
        bare.install(transport_of(inputs), machine_of(inputs), say)
        return {LIVE: True}

    def read(self, inputs: MachineInputs, old: dict[str, Any]) -> dict[str, Any] | None:
        try:
            mark = bare.mark_of(transport_of(inputs))
        except HostError:
            return {**old, LIVE: False}
        if mark is None:
            return None
        return {LIVE: self.live(inputs)}

    def live(self, inputs: MachineInputs) -> bool:
        try:
            return bare.running(transport_of(inputs), machine_of(inputs))
        except HostError:
            return False

    def partial(self, inputs: MachineInputs) -> bool:
        try:
            return bare.mark_of(transport_of(inputs)) is not None
        except HostError:
            return False

    def delete(self, inputs: MachineInputs, old: dict[str, Any], say: Say) -> None:
        del old
        say("removing everything of the platform from the host")
        try:
            bare.uninstall(transport_of(inputs), inputs.installation, inputs.host, inputs.volumes)
        except Unreachable as error:
            say(f"the host was given up: {error}")
