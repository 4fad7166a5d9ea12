"""hosts:index:Host: a host of this machine, started and kept as its inputs say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.hosts import containerd, images, leftovers, lifecycle
from infra.hosts.layout import CONTAINERD_CONFIG
from infra.hosts.model import Forward, HostSpec, Peer, Target
from infra.providers.hosts.models import HostInputs
from infra.providers.hosts.resource import LIVE, Resource, Say, Teardown, layout_of, teardown, transport_of

_CAP_SYS_RESOURCE = 24


def may_raise_limits(status: str) -> bool:
    """Whether /proc/<pid>/status grants CAP_SYS_RESOURCE, without which oom scores can't be lowered."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)
    return False


def spec_of(inputs: HostInputs, restrict_oom_score: bool) -> HostSpec:
    """The host that the inputs describe."""
    return HostSpec(
        installation=inputs.installation,
        name=inputs.host,
        address=inputs.address,
        peers=tuple(Peer(peer.name, peer.address) for peer in inputs.peers),
        nodes=inputs.nodes,
        pods=inputs.pods,
        services=inputs.services,
        tools=dict(inputs.tools),
        folders=inputs.folders,
        env=dict(inputs.env),
        files={CONTAINERD_CONFIG: containerd.configuration(inputs.sandbox_image, restrict_oom_score)},
        forwards=tuple(
            Forward(item.name, item.port, tuple(Target(target.address, target.port) for target in item.targets))
            for item in inputs.forwards
        ),
        memory_bytes=inputs.memory_bytes,
        cpus=inputs.cpus,
    )


def _spec(inputs: HostInputs) -> HostSpec:
    return spec_of(inputs, not may_raise_limits(Path("/proc/self/status").read_text(encoding="utf-8")))


class Host(Resource[HostInputs]):
    """A host. Its data outlives restarts; deleting it removes everything, unless the whole teardown keeps data."""

    kind = "hosts:index:Host"
    inputs = HostInputs
    replaces = Resource.replaces | {"address", "nodes", "pods", "services"}
    outputs = ("cgroup", "root", LIVE)

    def create(self, inputs: HostInputs, say: Say) -> dict[str, Any]:
        spec, layout = _spec(inputs), layout_of(inputs)
        say("starting the host")
        lifecycle.start(spec, layout)
        say("waiting for containerd")
        images.wait_for_runtime(transport_of(inputs))
        return self._outputs(inputs, live=True)

    def read(self, inputs: HostInputs, old: dict[str, Any]) -> dict[str, Any] | None:
        del old
        if leftovers.whose(layout_of(inputs)) != leftovers.Folder.OURS:
            return None
        return self._outputs(inputs, live=self.live(inputs))

    def live(self, inputs: HostInputs) -> bool:
        return lifecycle.follows(lifecycle.current(layout_of(inputs)), _spec(inputs))

    def partial(self, inputs: HostInputs) -> bool:
        return leftovers.whose(layout_of(inputs)) == leftovers.Folder.OURS

    def delete(self, inputs: HostInputs, old: dict[str, Any], say: Say) -> None:
        del old
        say("stopping the host")
        lifecycle.remove(layout_of(inputs), _spec(inputs).cgroup, keep_data=teardown() == Teardown.KEEP_DATA)

    def _outputs(self, inputs: HostInputs, live: bool) -> dict[str, Any]:
        return {"cgroup": f"/{_spec(inputs).cgroup}", "root": str(layout_of(inputs).root), LIVE: live}
