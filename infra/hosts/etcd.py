"""etcd on the control planes: who is a member, who answers, and taking out a member whose host is gone.

Asked over etcd's JSON gateway by the host's kubectl, which sends a document to any HTTPS address with any client
certificate: so hosts need no further program, and no key leaves them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from infra.hosts.errors import CommandFailed, DeadlinePassed, HostError
from infra.hosts.staticpods import STAMP, replace_manifest, static_pod, wait_for_restart
from infra.hosts.transport import Transport

ELECTION_SECONDS = 20.0
DATA = "/var/lib/etcd"
_PKI = "/etc/kubernetes/pki/etcd"
_SEALED = "sealed"
_ASK_SECONDS = 15.0


@dataclass(frozen=True)
class Member:
    """A member as the cluster knows it."""

    number: str
    """Its id, in decimal digits."""
    name: str
    """Empty until it has started for the first time."""
    addresses: tuple[str, ...]
    """Where its peers reach it."""
    learner: bool
    """It is still being filled and has no vote."""


def members_of(answer: dict[str, Any]) -> tuple[Member, ...]:
    """The members in an answer of the gateway."""
    return tuple(
        Member(
            number=str(item["ID"]),
            name=str(item.get("name", "")),
            addresses=tuple(urlsplit(url).hostname or "" for url in item.get("peerURLs", ())),
            learner=bool(item.get("isLearner", False)),
        )
        for item in answer.get("members", ())
    )


def same_host(found: Sequence[Member], name: str, address: str) -> tuple[Member, ...]:
    """The members that are on this host, or were."""
    return tuple(member for member in found if member.name == name or address in member.addresses)


def members(transport: Transport) -> tuple[Member, ...]:
    """The members, as the host's own etcd and a majority know them. An election under way is waited for.

    Raises HostError where there is no majority.
    """
    deadline = time.monotonic() + ELECTION_SECONDS
    while True:
        try:
            return _members_now(transport)
        except HostError:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)


def _members_now(transport: Transport, address: str = "127.0.0.1") -> tuple[Member, ...]:
    return members_of(_ask(transport, "cluster/member/list", {"linearizable": True}, address))


def remove(transport: Transport, member: Member) -> None:
    """Takes a member out. etcd itself refuses where the rest would have no majority (HostError)."""
    _ask(transport, "cluster/member/remove", {"ID": member.number})


def hand_over(transport: Transport, name: str) -> None:
    """Lets another member lead, if the host's own leads now: nothing waits for an election then."""
    status = _ask(transport, "maintenance/status", {})
    own, leader = str(status["header"]["member_id"]), str(status.get("leader", ""))
    other = [member for member in members(transport) if member.name not in ("", name) and not member.learner]
    if own == leader and other:
        _ask(transport, "maintenance/transfer-leadership", {"targetID": other[0].number})


def answers(transport: Transport, address: str) -> bool:
    """Whether the member at this address answers, asked from a host of another one."""
    try:
        return bool(_members_now(transport, address))
    except HostError:
        return False


def healthy(transport: Transport) -> bool:
    """Whether the host's own etcd answers for a majority."""
    try:
        return bool(_members_now(transport))
    except HostError:
        return False


def has_data(transport: Transport) -> bool:
    """Whether the host's etcd has ever kept anything on this disk."""
    return transport.run(["test", "-d", f"{DATA}/member"], check=False).code == 0


def seal(transport: Transport, server: str) -> None:
    """Makes the etcd of the host that began the cluster one that only goes on with it, and waits until it does.

    `server` is the URL of the host's own API server. As kubeadm leaves it, that etcd would begin an empty cluster of
    its own, under the same identity, if its disk were lost.
    """
    manifest = static_pod(transport, "etcd")
    command = manifest["spec"]["containers"][0]["command"]
    wanted = "--initial-cluster-state=existing"
    if wanted not in command:
        kept = [part for part in command if not part.startswith("--initial-cluster-state")]
        manifest["spec"]["containers"][0]["command"] = [*kept, wanted]
        manifest["metadata"].setdefault("annotations", {})[STAMP] = _SEALED
        replace_manifest(transport, "etcd", yaml.safe_dump(manifest, sort_keys=False).encode())
        wait_for_restart(transport, server, ("etcd",), _SEALED)


def _ask(transport: Transport, path: str, document: dict[str, Any], address: str = "127.0.0.1") -> dict[str, Any]:
    argv = [
        "kubectl",
        "--kubeconfig=/dev/null",
        f"--server=https://{address}:2379",
        f"--certificate-authority={_PKI}/ca.crt",
        f"--client-certificate={_PKI}/healthcheck-client.crt",
        f"--client-key={_PKI}/healthcheck-client.key",
        f"--request-timeout={_ASK_SECONDS - 5:.0f}s",
        "create",
        f"--raw=/v3/{path}",
        "--filename=-",
    ]
    try:
        done = transport.run(argv, stdin=json.dumps(document).encode(), timeout=_ASK_SECONDS)
        found: dict[str, Any] = json.loads(done.text)
    except (CommandFailed, DeadlinePassed, ValueError) as error:
        raise HostError(f"etcd on {transport.host} does not answer {path}: {error}") from error
    return found
