"""A bare host as a machine of the platform: our programs and services on it, or nothing of us. By any transport.

Everything is idempotent. What the host has of us is in its mark: nothing foreign is ever overwritten or removed.
"""

from __future__ import annotations

import hashlib
import json
import platform as uname
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from infra.hosts import bare_facts, bare_services, bare_tools, bare_uninstall, containerd, images
from infra.hosts.bare_facts import MARK, MODULES
from infra.hosts.errors import CommandFailed, HostError, NotOurs
from infra.hosts.layout import CONTAINERD_CONFIG
from infra.hosts.network import SYSCTLS
from infra.hosts.ssh import ENVIRONMENT_FILE
from infra.hosts.transport import Transport

_CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Machine:
    """What a bare host shall be."""

    installation: str
    name: str
    address: str
    role: str
    """`control-plane` or `worker`."""
    pods: str
    services: str
    tools: dict[str, str]
    """Name → file of this machine; `cni/<name>` for network plugins."""
    sandbox_image: str
    env: dict[str, str] = field(default_factory=dict)
    """What the tools need on this machine to run."""


def cgroup_driver(transport: Transport) -> str:
    """Who makes control groups on the host: systemd where it is process 1, else kubelet itself."""
    return "systemd" if _systemd(transport) else "cgroupfs"


def _systemd(transport: Transport) -> bool:
    return transport.run(["test", "-d", bare_services.SYSTEMD], check=False).code == 0


def mark_of(transport: Transport) -> dict[str, str] | None:
    """The host's mark, or None where it has none."""
    content = transport.get(MARK)
    return None if content is None else dict(json.loads(content))


def fingerprint(machine: Machine, pushed: tuple[bare_tools.Item, ...], files: Mapping[str, str]) -> str:
    """Changes when the services have to be started anew."""
    parts = [machine.installation, machine.name, *(f"{item.link} {item.place}" for item in pushed)]
    parts += [f"{path} {content}" for path, content in sorted(files.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def files_of(machine: Machine, env: Mapping[str, str], systemd: bool, restrict_oom_score: bool) -> dict[str, str]:
    """Path → text of everything that we write on a host beside programs. Executable where below SCRIPTS."""
    routes = (f"blackhole {machine.pods}", f"{machine.services} dev lo src {machine.address}")
    files = {
        ENVIRONMENT_FILE: bare_services.environment_file(env),
        CONTAINERD_CONFIG: containerd.configuration(machine.sandbox_image, restrict_oom_score, systemd),
        bare_services.RUN: bare_services.run_script(),
        bare_services.SUPERVISE: bare_services.supervise_script(),
        bare_services.LOGS: bare_services.logs_script(),
        bare_services.NETWORK: bare_services.network_script(SYSCTLS, MODULES, routes),
    }
    if systemd:
        files |= {f"{bare_services.UNITS}/{name}": text for name, text in bare_services.units().items()}
    return files


def inspect(transport: Transport, machine: Machine) -> None:
    """Raises HostError naming everything that keeps the host from being a node."""
    facts = bare_facts.ask(transport)
    found = bare_facts.judge(facts, machine.role, machine.address, uname.machine(), machine.installation)
    blocking = [str(finding) for finding in found if finding.blocking]
    if blocking:
        raise HostError("\n".join(["the host cannot be a node:", *blocking]))


def install(transport: Transport, machine: Machine, say: Callable[[str], None]) -> None:
    """Makes the host what it shall be: programs, files, services. Restarts services only where something changed.

    Raises NotOurs or HostError before anything is changed.
    """
    mark = _own_mark(transport, machine)
    say("looking at the host")
    inspect(transport, machine)
    systemd = _systemd(transport)
    pushed = bare_tools.items(machine.tools, machine.env)
    env = bare_tools.environment(pushed)
    files = files_of(machine, env, systemd, not _may_raise_limits(transport))
    wanted = fingerprint(machine, pushed, files)
    identity = {"installation": machine.installation, "host": machine.name, "address": machine.address}
    if mark is None:
        transport.put(MARK, json.dumps({**identity, "fingerprint": ""}).encode(), 0o644)
    say(f"pushing programs ({sum(item.size for item in pushed) >> 20} MiB at most)")
    bare_tools.push(transport, pushed)
    _try_tools(transport)
    if mark is None or mark.get("fingerprint") != wanted:
        for path, content in files.items():
            transport.put(path, content.encode(), 0o755 if path.startswith(bare_services.SCRIPTS) else 0o644)
        if mark is not None:
            transport.run(["/bin/sh", "-c", bare_services.restart_script(systemd)], timeout=90)
        transport.put(MARK, json.dumps({**identity, "fingerprint": wanted}).encode(), 0o644)
    say("starting the services")
    transport.run(["/bin/sh", "-c", bare_services.start_script(systemd)], timeout=90)
    images.wait_for_runtime(transport)


def _own_mark(transport: Transport, machine: Machine) -> dict[str, str] | None:
    mark = mark_of(transport)
    if mark is not None and (mark.get("installation"), mark.get("host")) != (machine.installation, machine.name):
        raise NotOurs(
            f"host {machine.name} at {machine.address} is host {mark.get('host')} of installation "
            f"{mark.get('installation')}. Run `platform down` there first, or take another host."
        )
    return mark


def _may_raise_limits(transport: Transport) -> bool:
    said = transport.run(["grep", "^CapEff:", "/proc/self/status"]).text.split()
    return bool(int(said[1], 16) >> _CAP_SYS_RESOURCE & 1)


def _try_tools(transport: Transport) -> None:
    for argv in (["containerd", "--version"], ["runc", "--version"], ["ctr", "--version"]):
        try:
            transport.run(argv)
        except CommandFailed as error:
            raise HostError(
                f"{argv[0]} does not run on host {transport.host}: {error.output.strip()[:300]}. Our programs "
                "suit the distribution of the machine that runs `platform`: take hosts of its release, or newer ones."
            ) from error


def running(transport: Transport, machine: Machine) -> bool:
    """Whether the host is ours and its services are kept running. Raises HostFailed where it cannot be asked."""
    mark = mark_of(transport)
    if mark is None or not mark.get("fingerprint"):
        return False
    if (mark["installation"], mark["host"]) != (machine.installation, machine.name):
        return False
    script = bare_services.running_script(_systemd(transport))
    return transport.run(["/bin/sh", "-c", script], check=False).code == 0


def uninstall(transport: Transport, installation: str, name: str, folders: tuple[str, ...] = ()) -> None:
    """Leaves nothing of us on the host; `folders` hold volumes. A host without our mark is left alone.

    Raises NotOurs for a host of somebody else, HostError where something does not go.
    """
    mark = mark_of(transport)
    if mark is None:
        return
    if (mark.get("installation"), mark.get("host")) != (installation, name):
        raise NotOurs(f"host {name} belongs to installation {mark.get('installation')} by now; nothing was removed.")
    bare_uninstall.remove_all(transport, _systemd(transport), folders)
