"""What a resource of this plugin is: inputs, what replaces it, and five actions on the real thing."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from infra.hosts.layout import Layout
from infra.hosts.planes import Plane
from infra.hosts.ssh import SshTarget, SshTransport
from infra.hosts.transport import LocalTransport, Transport
from infra.providers.hosts.models import OnHost, PeerInput, SshInput

Say = Callable[[str], None]
"""Tells the person what is being waited for."""

LIVE = "live"
"""Output of every resource: whether the real thing was found working when it was last looked at."""


class Teardown(StrEnum):
    """Environment variable MLP_TEARDOWN: what the deletion of resources is a part of."""

    NO = ""
    """Single resources go; the cluster stays, so nodes are drained."""
    ALL = "all"
    """The whole cluster goes; nothing is moved elsewhere first."""
    KEEP_DATA = "keep-data"
    """The whole cluster is stopped; the hosts' disks stay and the next `up` goes on with them."""


def teardown() -> Teardown:
    """Raises ValueError for a value that does not exist."""
    return Teardown(os.environ.get("MLP_TEARDOWN", ""))


I = TypeVar("I", bound=OnHost)  # noqa: E741 - the inputs


class Resource(Generic[I]):
    """One kind of resource. Methods block; errors are HostError."""

    kind: ClassVar[str]
    inputs: type[I]
    replaces: ClassVar[frozenset[str]] = frozenset({"installation", "host", "base"})
    """Inputs (camelCase) whose change needs a new resource."""
    outputs: ClassVar[tuple[str, ...]] = ()
    secret: ClassVar[frozenset[str]] = frozenset()

    def identity(self, inputs: I) -> str:
        """The resource's id: names the real thing, so that an interrupted creation finds it again."""
        return f"{inputs.installation}/{inputs.host}"

    def create(self, inputs: I, say: Say) -> dict[str, Any]:
        """Makes it or finds it made; gives the outputs."""
        raise NotImplementedError

    def update(self, inputs: I, old: dict[str, Any], say: Say) -> dict[str, Any]:
        """Makes the real thing follow the inputs, whatever it was; `old` is the last state."""
        del old
        return self.create(inputs, say)

    def read(self, inputs: I, old: dict[str, Any]) -> dict[str, Any] | None:
        """The outputs as they are now, or None where the real thing does not exist. A host that does not run cannot be
        asked; then the old outputs are right but for `live`."""
        raise NotImplementedError

    def live(self, inputs: I) -> bool:
        """Whether the real thing works. Fast: it is asked at every diff."""
        raise NotImplementedError

    def partial(self, inputs: I) -> bool:
        """Whether a failed creation left something that a later deletion must remove."""
        del inputs
        return False

    def delete(self, inputs: I, old: dict[str, Any], say: Say) -> None:
        """Removes it; what is gone already is fine."""
        raise NotImplementedError


def layout_of(inputs: OnHost) -> Layout:
    """Where the host's folder is."""
    return Layout(inputs.installation, inputs.host, Path(inputs.base))


def transport_of(inputs: OnHost, host: str | None = None) -> Transport:
    """How to reach the host, or another one of the same installation on this machine."""
    layout = layout_of(inputs)
    if host is not None and host != inputs.host:
        return LocalTransport(layout.sibling(host))
    return LocalTransport(layout) if inputs.ssh is None else _over_ssh(inputs.host, inputs.ssh)


def _over_ssh(host: str, ssh: SshInput) -> SshTransport:
    return SshTransport(host, SshTarget(**ssh.model_dump()))


def plane_of(inputs: OnHost, peer: PeerInput) -> Plane:
    """A control plane of the same installation."""
    if peer.ssh is not None:
        return Plane(_over_ssh(peer.name, peer.ssh), peer.address)
    return Plane(transport_of(inputs, peer.name), peer.address)
