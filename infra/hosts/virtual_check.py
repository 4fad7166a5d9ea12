"""Whether the virtual address of the API is free before it is used. Pure, but for `who_answers`."""

from __future__ import annotations

from collections.abc import Sequence

from infra.hosts.bare_facts import Finding, HostFacts
from infra.hosts.kubeadm import API_PORT
from infra.hosts.transport import Transport

# A machine that drops what it is sent still says who it is, or nobody could send it anything: the neighbours' table
# has its hardware address after one attempt.
_ASK = """
said=$(timeout 3 bash -c 'exec 3<>/dev/tcp/$0' "$1/$2" 2>&1) && { echo "its port $2 is open"; exit 0; }
case "$said" in *refused*) echo "it refuses connections"; exit 0 ;; esac
awk -v at="$1" '$1 == at && $4 != "00:00:00:00:00:00" {print "its hardware address is " $4; exit}' /proc/net/arp
exit 0
"""


def who_answers(transport: Transport, address: str) -> str:
    """What a host sees at the address: how it answers, or nothing where nobody does. Raises HostError."""
    return transport.run(["/bin/sh", "-c", _ASK, "ask", address, str(API_PORT)], timeout=15).text.strip()


def holders(facts: Sequence[HostFacts], address: str) -> list[HostFacts]:
    """The asked hosts that have the address."""
    return [each for each in facts if each.interface(address) is not None]


def judge(facts: Sequence[HostFacts], address: str, answer: str, installation: str) -> list[Finding]:
    """What is wrong with the virtual address. `answer`: what a control plane sees there where no host of ours has it.

    A running installation may have it on a host that has just been taken out of the profile, so then it is no more
    than worth a word.
    """
    foreign = [each for each in holders(facts, address) if not each.belongs_to(installation)]
    if foreign:
        message = f"it has the virtual address {address} already"
        remedy = "Take the address off it: onprem.virtual_address is one that nothing has, and moves by itself."
        return [Finding(each.host, message, remedy) for each in foreign]
    if holders(facts, address) or not answer:
        return []
    ours = any(each.belongs_to(installation) for each in facts)
    message = f"another machine has the virtual address {address}: {answer}"
    remedy = "Choose an address for onprem.virtual_address that nothing has and nobody hands out, or free this one."
    asked = next((each.host for each in facts), "hosts")
    return [Finding(asked, message, remedy, blocking=not ours)]
