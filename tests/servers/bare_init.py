"""Process 1 of a bare host: what a machine has before anybody installs anything, and sshd.

`python -m tests.servers.bare_init <file with its description>`, in new namespaces; see bare_hosts.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from infra.hosts import mounts, syscalls
from infra.hosts.layout import Layout
from infra.hosts.model import HostSpec, Peer
from infra.hosts.services import environment

SSHD_USER = "sshd:x:74:74:sshd:/run/sshd:/usr/sbin/nologin\n"
ADMIN_USER = "admin:x:1000:1000:admin:/home/admin:/bin/sh\n"


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    layout = Layout.of(Path(given["root"]))
    spec = HostSpec(
        installation=layout.installation,
        name=layout.host,
        address=given["address"],
        peers=tuple(Peer(name, address) for name, address in given["known"].items()),
        nodes=given["nodes"],
        pods="192.0.2.0/25",
        services="192.0.2.128/25",
        folders=tuple(given["folders"]),
        files={"/etc/ssh/sshd_config": given["sshd_config"], "/root/.ssh/authorized_keys": given["authorized"]},
    )
    os.umask(0o022)
    socket.sethostname(spec.name)
    mounts.prepare(layout, spec)
    passwd = layout.disk / "etc/passwd"
    passwd.write_text(passwd.read_text("utf-8") + SSHD_USER + ADMIN_USER, "utf-8")
    key = layout.disk / "etc/ssh/host_key"
    key.write_text(given["host_key"], "utf-8")
    key.chmod(0o600)
    mounts.enter(layout, spec)
    _own_control_groups(given["control_groups"])
    Path("/run/sshd").mkdir(mode=0o755)
    Path("/run/lock").mkdir()
    sshd = subprocess.Popen(
        [given["sshd"], "-D", "-e", "-f", "/etc/ssh/sshd_config"],
        env=environment(given["env"]),
        stdin=subprocess.DEVNULL,
    )
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        with contextlib.suppress(ChildProcessError):
            if os.wait()[0] == sshd.pid:
                sys.exit("sshd ended")


def _own_control_groups(trees: list[tuple[str, str, str]]) -> None:
    """A control group namespace's own view: this host's group is the root of every hierarchy, as on a machine."""
    syscalls.unmount("/sys/fs/cgroup", syscalls.MNT_DETACH)
    syscalls.mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, "mode=755")
    for name, kind, options in trees:
        target = Path("/sys/fs/cgroup") / name
        target.mkdir()
        syscalls.mount(kind, str(target), kind, 0, options)


if __name__ == "__main__":
    main()
