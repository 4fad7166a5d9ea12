"""Several control planes of one cluster: who is there, joining one, making one anew, taking one out.

No host is the first: whichever finds no cluster anywhere begins one, and every other joins through one that answers.
So a host that lost its disk, or one that takes the place of a lost one, never begins a second cluster. Every function
may be repeated, and is safe only for one host of a cluster at a time: etcd fills one new member after the other.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.hosts import certificates, controlplane, etcd, kubeadm, node, virtual
from infra.hosts.errors import CommandFailed, DeadlinePassed, HostError, complaints
from infra.hosts.kubeadm import API_PORT, ClusterSettings, NodeSettings, yaml_of
from infra.hosts.transport import Transport

JOIN_SECONDS = 420.0
MEMBER_SECONDS = 120.0
"""How long a member may take to come back before it is made anew. Only while the others have a majority."""

SHARED = (
    "ca.crt",
    "ca.key",
    "sa.key",
    "sa.pub",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "etcd/ca.crt",
    "etcd/ca.key",
)
"""Below /etc/kubernetes/pki: what all control planes have alike. Everything else each makes with it."""


@dataclass(frozen=True)
class Plane:
    """One control plane's host."""

    transport: Transport
    address: str

    @property
    def name(self) -> str:
        """Of the node, too."""
        return self.transport.host

    @property
    def server(self) -> str:
        """URL of its own API server."""
        return f"https://{self.address}:{API_PORT}"


class Standing(StrEnum):
    """What another control plane's host says."""

    UNREACHABLE = "cannot be asked"
    EMPTY = "holds no cluster"
    UNREADY = "holds the cluster, but its API server is not ready"
    READY = "holds the cluster and answers"


def ready(plane: Plane) -> bool:
    """Whether its own API server is ready, which includes its own etcd."""
    argv = ["kubectl", f"--server={plane.server}", "get", "--raw=/readyz", "--request-timeout=5s"]
    try:
        done = plane.transport.run(argv, timeout=15, check=False)
    except DeadlinePassed:
        return False
    return done.code == 0 and done.text.strip() == "ok"


def standing(plane: Plane) -> Standing:
    """What the host says now."""
    try:
        if controlplane.made(plane.transport) is None:
            return Standing.EMPTY
        return Standing.READY if ready(plane) else Standing.UNREADY
    except HostError:
        return Standing.UNREACHABLE


def living(planes: Sequence[Plane]) -> Plane | None:
    """The first that holds the cluster and answers."""
    return next((plane for plane in planes if standing(plane) == Standing.READY), None)


def refusal(found: Sequence[tuple[str, Standing]]) -> str | None:
    """Why a cluster must not be begun on a host, given how the other hosts stand; None where it may."""
    bad = [f"{name} {stands}" for name, stands in found if stands != Standing.EMPTY]
    if not bad:
        return None
    return (
        f"{'; '.join(bad)}. A second cluster must not be begun beside one that may be there: start these hosts, or "
        "take those out of the profile that are gone for good, and run `platform up` again"
    )


@dataclass(frozen=True)
class Wanted:
    """What a control plane should be."""

    cluster: ClusterSettings
    node: NodeSettings
    virtual: virtual.VirtualAddress | None = None
    upstream_dns: bool = False
    """Whether names outside the cluster are asked of the host's resolvers."""
    dns_replicas: int = 1
    renew_days: int = certificates.RENEW_DAYS


def establish(own: Plane, others: Sequence[Plane], wanted: Wanted) -> None:
    """Makes the host a control plane of the cluster, or finds it one; begins the cluster where there is none.

    Without others it is the only one. Raises ClusterMismatch for a cluster of other settings, HostError with why.
    """
    found = controlplane.made(own.transport)
    if found is not None and (difference := controlplane.mismatch(found, wanted.cluster)) is not None:
        raise controlplane.mismatched(own.transport, difference)
    if found is None:
        _enter(own, others, wanted)
    elif others:
        _revive(own, others)
        _put_right(own, others, wanted)
    _place(own, others, wanted)
    if found is not None and certificates.due(own.transport, wanted.renew_days):
        certificates.renew(own.transport, own.server)
    controlplane.init(own.transport, wanted.cluster, wanted.node, wanted.upstream_dns, wanted.dns_replicas)


def _place(own: Plane, others: Sequence[Plane], wanted: Wanted) -> None:
    if wanted.virtual is not None:
        virtual.place(own.transport, wanted.virtual, own.address, tuple(plane.address for plane in others))


def _enter(own: Plane, others: Sequence[Plane], wanted: Wanted) -> None:
    """Joins the cluster of the others, or makes the disk ready to begin one."""
    via = living(others)
    if via is not None:
        join(own, others, via, wanted)
        return
    why = refusal([(plane.name, standing(plane)) for plane in others])
    if why is not None:
        raise HostError(f"host {own.name} holds no cluster: {why}.")
    if others:
        reset(own.transport)  # before the virtual address is placed, which a later reset would take away


def _revive(own: Plane, others: Sequence[Plane]) -> None:
    """Where certificates have ended, etcd's members refuse each other: all get new ones before any is waited for."""
    if certificates.ended(own.transport):
        for plane in (own, *others):
            with contextlib.suppress(HostError):  # one that cannot now gets its own when its turn comes
                if certificates.ended(plane.transport):
                    certificates.begin(plane.transport)


def _put_right(own: Plane, others: Sequence[Plane], wanted: Wanted) -> None:
    """Makes the host a member anew where it is none any more, or does not come back though the others are well."""
    deadline = time.monotonic() + MEMBER_SECONDS
    while not etcd.healthy(own.transport):
        via = living(others)
        if via is not None and (time.monotonic() > deadline or _lost(own, via)):
            if wanted.virtual is not None:
                virtual.withdraw(own.transport, wanted.virtual.address)
            join(own, others, via, wanted)
            return
        if time.monotonic() > deadline:
            told = "; ".join(f"{plane.name} {standing(plane)}" for plane in others)
            raise HostError(
                f"etcd on {own.name} has no majority after {MEMBER_SECONDS:.0f} s: {told}. Start the hosts that are "
                "off; where most of them are gone for good, a backup is what is left"
            )
        time.sleep(1)


def _lost(own: Plane, via: Plane) -> bool:
    known = etcd.same_host(etcd.members(via.transport), own.name, own.address)
    return not known or not etcd.has_data(own.transport)


def join(own: Plane, others: Sequence[Plane], via: Plane, wanted: Wanted) -> None:
    """Makes the host a further control plane, through one that answers. What it was before is reset first."""
    there = controlplane.made(via.transport) or {}
    if (difference := controlplane.mismatch(there, wanted.cluster)) is not None:
        raise controlplane.mismatched(via.transport, difference)
    reset(own.transport)
    expel(own, via)
    _forget_the_dead(others, via)
    _share(via.transport, own.transport)
    try:
        with node.token(via.transport) as token:
            server = f"https://{wanted.cluster.endpoint or via.address}:{API_PORT}"
            document = node.discovery(server, controlplane.ca_data(via.transport), token)
            own.transport.put(node.DISCOVERY_FILE, yaml_of(document))
            configuration = kubeadm.control_plane_join_configuration(wanted.node, node.DISCOVERY_FILE)
            own.transport.put(node.JOIN_FILE, yaml_of(configuration))
            own.transport.run(["kubeadm", "join", f"--config={node.JOIN_FILE}"], timeout=JOIN_SECONDS)
    except CommandFailed as error:
        said = complaints(error.output)
        raise HostError(
            f"kubeadm join on {own.name} failed: {said}\n{controlplane.kubelet_says(own.transport)}"
        ) from error
    except DeadlinePassed as error:
        raise HostError(f"{error}\n{controlplane.kubelet_says(own.transport)}") from error
    finally:
        own.transport.run(["rm", "-f", node.DISCOVERY_FILE], check=False)
    controlplane.mark(own.transport, wanted.cluster)


def _forget_the_dead(others: Sequence[Plane], via: Plane) -> None:
    """Takes members out that are on no control plane any more: etcd takes no new one while a member does not answer."""
    for member in etcd.members(via.transport):
        if any(etcd.answers(via.transport, address) for address in member.addresses):
            continue
        host = next((plane for plane in others if etcd.same_host((member,), plane.name, plane.address)), None)
        if host is not None and standing(host) != Standing.EMPTY:
            raise HostError(
                f"etcd takes no new member while that of control plane {host.name} does not answer: start the host, or "
                "take it out of the profile if it is gone for good, and run `platform up` again"
            )
        etcd.remove(via.transport, member)


def expel(own: Plane, via: Plane) -> None:
    """Takes what the cluster still has of a host out of it: etcd's member and the node."""
    for member in etcd.same_host(etcd.members(via.transport), own.name, own.address):
        etcd.remove(via.transport, member)
    argv = ["kubectl", f"--server={via.server}", "delete", "node", own.name, "--ignore-not-found", "--timeout=60s"]
    via.transport.run(argv, timeout=90)


_BEGUN = (controlplane.INIT_FILE, node.JOIN_FILE, controlplane.MARK)


def begun(transport: Transport) -> bool:
    """Whether the host's disk holds a cluster, or an attempt at one."""
    return any(transport.get(path) is not None for path in _BEGUN)


def reset(transport: Transport) -> None:
    """Takes the cluster off the host's disk, whatever is left of it; the other members are told by `expel`."""
    if begun(transport):
        controlplane.reset_node(transport, "--skip-phases=remove-etcd-member")
        transport.run(["rm", "-rf", etcd.DATA, *_BEGUN])
    controlplane.restart_service(transport, "kubelet")


def _share(source: Transport, target: Transport) -> None:
    paths = [f"/etc/kubernetes/pki/{name}" for name in SHARED]
    for path in (*paths, kubeadm.ENCRYPTION):
        content = source.get(path)
        if content is None:
            raise HostError(f"host {source.host} lacks {path}, which every control plane needs; restore it there first")
        target.put(path, content, 0o644 if path.endswith((".crt", ".pub")) else 0o600)
    controlplane.write_policies(target)


def leave(own: Plane, others: Sequence[Plane], virtual_address: str | None) -> None:
    """Takes a control plane out of the cluster, whether its host still runs or not.

    Raises HostError where another one holds the cluster but none answers: nothing can be taken out safely then.
    """
    via = living(others)
    alive = standing(own) != Standing.UNREACHABLE
    if via is None:
        stands = [(plane.name, standing(plane)) for plane in others]
        if any(each in (Standing.UNREADY, Standing.UNREACHABLE) for _, each in stands):
            told = "; ".join(f"{name} {each}" for name, each in stands)
            raise HostError(f"control plane {own.name} cannot leave its cluster while no other answers: {told}")
        if alive:
            controlplane.destroy(own.transport)
        return
    if alive:
        if virtual_address is not None:
            virtual.withdraw(own.transport, virtual_address)
        node.drain(via.transport, own.name)
        if etcd.healthy(own.transport):
            etcd.hand_over(own.transport, own.name)
    expel(own, via)
    if alive:
        reset(own.transport)
        controlplane.destroy(own.transport)
