"""The virtual address must be nobody's before it is the API's."""

from __future__ import annotations

from collections.abc import Sequence

from infra.hosts import bare_check, virtual_check
from infra.hosts.bare_check import Candidate
from infra.hosts.bare_facts import HostFacts, parse
from infra.hosts.errors import HostFailed
from infra.hosts.transport import Completed, Input
from tests.unit.hosts.test_bare import GOOD

VIRTUAL = "192.0.2.100"
OURS = 'mine={"installation": "prod", "host": "alpha"}'


def facts(host: str = "alpha", *, holds: bool = False, ours: bool = False) -> HostFacts:
    text = GOOD + (f"address=eth0 {VIRTUAL}/32\n" if holds else "")
    return parse(host, text.replace("mine=", OURS) if ours else text, 0.0)


def judged(found: Sequence[HostFacts], answer: str = "") -> list[tuple[str, bool]]:
    return [(str(each), each.blocking) for each in virtual_check.judge(found, VIRTUAL, answer, "prod")]


def test_an_address_that_nobody_has_is_free() -> None:
    assert judged([facts(), facts("beta")]) == []


def test_a_control_plane_of_ours_may_have_it() -> None:
    assert judged([facts(ours=True), facts("beta", holds=True, ours=True)]) == []


def test_a_host_that_is_not_ours_yet_may_not_have_it() -> None:
    ((words, blocking),) = judged([facts(holds=True), facts("beta")])
    assert words.startswith(f"alpha: it has the virtual address {VIRTUAL} already. Take the address off it")
    assert blocking


def test_another_machine_that_answers_stops_the_first_installation_only() -> None:
    answer = "its hardware address is 02:00:00:00:00:01"
    ((words, blocking),) = judged([facts(), facts("beta")], answer)
    assert f"another machine has the virtual address {VIRTUAL}: {answer}" in words
    assert blocking
    ((_, later),) = judged([facts(ours=True), facts("beta")], answer)
    assert not later, "it may be a host that leaves the cluster now"


class Away:
    """A host that has just gone."""

    host = "alpha"

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        raise HostFailed("host alpha does not answer.")

    def put(self, path: str, content: bytes, mode: int = 0o600) -> None:
        raise NotImplementedError

    def get(self, path: str) -> bytes | None:
        raise NotImplementedError


def test_a_host_that_fails_meanwhile_is_a_finding() -> None:
    (found,) = bare_check._virtual([Candidate(Away(), "192.0.2.11", "control-plane")], [], VIRTUAL, "prod")
    assert str(found).startswith("alpha: host alpha does not answer. It must answer")
    assert bare_check._virtual([], [], VIRTUAL, "prod") == [], "no control plane answers, which is told elsewhere"
