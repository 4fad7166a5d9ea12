"""Asks all hosts of a cluster at once, before anything is made: each by itself, and whether they fit together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from infra.hosts import bare_facts, virtual_check
from infra.hosts.bare_facts import Finding, HostFacts
from infra.hosts.errors import HostError
from infra.hosts.transport import Transport

BETWEEN = {"control-plane": (6443, 2379, 2380, 10250), "worker": (10250,)}
"""Ports of a host, by its role, that other hosts must reach."""


@dataclass(frozen=True)
class Candidate:
    """A host that shall be a node."""

    transport: Transport
    address: str
    role: str


def check(
    hosts: Sequence[Candidate], nodes: str, machine: str, installation: str, virtual_address: str | None = None
) -> list[Finding]:
    """Everything that is wrong, of all hosts. `nodes` is the range of nodes, `machine` what our programs are made for,
    `virtual_address` what shall move between the control planes.

    A host that cannot be asked is a finding, too; the others are asked all the same.
    """
    addresses = {host.transport.host: host.address for host in hosts}
    found = bare_facts.ranges(addresses, nodes)
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(_ask, hosts))
        facts = [answer for answer in answers if isinstance(answer, HostFacts)]
        found += [answer for answer in answers if isinstance(answer, Finding)]
        roles = {host.transport.host: host.role for host in hosts}
        for each in facts:
            found += bare_facts.judge(each, roles[each.host], addresses[each.host], machine, installation)
        found += bare_facts.compare(facts, addresses)
        answering = [host for host in hosts if any(each.host == host.transport.host for each in facts)]
        for unreached in pool.map(lambda host: _reach(host, answering), answering):
            found += unreached
    if virtual_address is not None:
        found += _virtual(answering, facts, virtual_address, installation)
    return found


def _virtual(hosts: Sequence[Candidate], facts: Sequence[HostFacts], address: str, installation: str) -> list[Finding]:
    """Asked from the first control plane that answers: the address is one of their network."""
    planes = [host.transport for host in hosts if host.role == "control-plane"]
    answer = ""
    if planes and not virtual_check.holders(facts, address):
        try:
            answer = virtual_check.who_answers(planes[0], address)
        except HostError as error:
            return [Finding(planes[0].host, str(error).rstrip("."), "It must answer before it can be a node.")]
    return virtual_check.judge(facts, address, answer, installation)


def _ask(host: Candidate) -> HostFacts | Finding:
    try:
        return bare_facts.ask(host.transport)
    except HostError as error:
        return Finding(host.transport.host, str(error).rstrip("."), "It must answer before it can be a node.")


def _reach(host: Candidate, others: Sequence[Candidate]) -> list[Finding]:
    targets = [f"{other.address}:{port}" for other in others if other is not host for port in BETWEEN[other.role]]
    try:
        return bare_facts.reach(host.transport, targets)
    except HostError as error:
        return [Finding(host.transport.host, str(error).rstrip("."), "It must answer before it can be a node.")]
