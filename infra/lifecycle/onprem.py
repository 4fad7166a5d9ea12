"""Preflight of bare hosts: what they say, as findings of `up` and `doctor`."""

from __future__ import annotations

import platform as uname

from infra.clusters.onprem import ssh_of
from infra.hosts.bare_check import Candidate, check
from infra.hosts.ssh import SshTarget, SshTransport
from infra.preflight.model import Finding
from infra.profile.model import Profile


def host_findings(profile: Profile) -> list[Finding]:
    """Asks every host of section `onprem`; nothing for other targets. Changes nothing there."""
    if profile.onprem is None:
        return []
    candidates = [
        Candidate(
            SshTransport(host.name, SshTarget(**ssh_of(profile.onprem, host).model_dump())), host.address, host.role
        )
        for host in profile.onprem.hosts
    ]
    nodes, virtual = profile.kubernetes.ranges.nodes, profile.onprem.virtual_address
    found = check(candidates, nodes, uname.machine(), profile.name, virtual)
    if not found:
        names = ", ".join(host.name for host in profile.onprem.hosts)
        return [Finding("hosts", True, f"{names} can be nodes")]
    return [
        Finding("hosts", False, f"{each.host}: {each.message}.", each.remedy, "error" if each.blocking else "warning")
        for each in found
    ]
