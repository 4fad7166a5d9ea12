"""Real hosts on this machine: what they show, what survives which death, and that nothing is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.hosts import cgroups, lifecycle, syscalls
from infra.hosts.errors import CommandFailed, DeadlinePassed, HostFailed, InvalidHost, NotOurs, PortInUse
from infra.hosts.layout import Layout
from infra.hosts.processes import child_of, wait_until_gone
from infra.hosts.transport import LocalTransport
from tests.root.conftest import MadeHost, Make, ask, forward, free_port, wait_for

Echo = Callable[[MadeHost, int], None]


def _machine() -> tuple[str, ...]:
    """What a host could change of the machine: interfaces, routes, rules, mounts, settings."""
    commands = (["ip", "-o", "link"], ["ip", "-o", "addr"], ["ip", "route", "show", "table", "all"], ["ip", "rule"])
    seen = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands]
    settings = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
    seen += [(Path("/proc/sys") / name).read_text() for name in settings]
    return (*seen, Path("/proc/self/mountinfo").read_text(), socket.gethostname())


def _service(host: MadeHost) -> int:
    return int(host.transport.run(["cat", "/run/mlp/containerd.pid"]).text)


def test_a_host_is_a_machine_of_its_own_and_this_one_notices_nothing(make_host: Make) -> None:
    before = _machine()
    host = make_host()
    host.start()
    run = host.transport.run
    assert run(["hostname"]).text == "node1\n"
    assert run(["ip", "-o", "-4", "addr", "show", "eth0"]).text.split()[3] == "10.250.0.1/24"
    assert "default" not in run(["ip", "route"]).text
    assert run(["sh", "-c", "ls /sys/class/net"]).text.split() == ["eth0", "lo"]
    assert "node1" in run(["cat", "/etc/hosts"]).text
    assert run(["cat", "/proc/sys/vm/overcommit_memory"]).text == "1\n"
    assert int(run(["sh", "-c", "ls -d /proc/[0-9]* | wc -l"]).text) < 10
    assert run(["sh", "-c", f"ls {host.layout.root}"], check=False).code != 0
    assert run(["sh", "-c", "ls -A /home /root /srv /mnt"]).text.split() == ["/home:", "/mnt:", "/root:", "/srv:"]
    assert _machine() == before


def test_packets_to_pods_and_services_that_nobody_serves_end_inside(make_host: Make) -> None:
    host = make_host()
    host.start()
    for address in ("10.244.7.7", "192.0.2.1", "8.8.8.8"):
        assert host.transport.run(["ip", "route", "get", address], check=False).code != 0
    assert " dev lo " in host.transport.run(["ip", "route", "get", "10.96.0.10"]).text


def test_starting_again_changes_nothing_and_starting_differently_restarts(make_host: Make) -> None:
    host = make_host()
    first = host.start()
    assert host.start() == first
    other = host.change(env={"A": "b"})
    assert other.supervisor != first.supervisor
    assert host.transport.run(["sh", "-c", "echo $A"]).text == "b\n"


def test_a_killed_service_comes_back_and_the_rest_goes_on(make_host: Make) -> None:
    host = make_host()
    started = host.start()
    wait_for(lambda: host.transport.get("/run/mlp/containerd.pid"))
    before = _service(host)
    host.transport.run(["sh", "-c", f"kill -9 {before}"])
    wait_for(lambda: _service(host) != before)
    assert host.state() == started


def test_a_host_whose_process_1_dies_boots_again_with_its_data(make_host: Make, echo: Echo) -> None:
    port = free_port()
    host = make_host(forwards=(forward(port, ("10.250.0.1", 7000)),))
    started = host.start()
    host.transport.put("/var/lib/data", b"kept", mode=0o640)
    host.transport.put("/run/gone", b"lost")
    assert started.init is not None
    started.init.signal(signal.SIGKILL)
    wait_for(lambda: host.state().boots == 2 and host.state().init)
    assert host.transport.get("/var/lib/data") == b"kept"
    assert host.transport.get("/run/gone") is None
    assert host.state().supervisor == started.supervisor
    echo(host, 7000)
    wait_for(lambda: ask(port) == b"hello")


def test_killing_the_supervisor_ends_everything_and_the_next_start_is_clean(make_host: Make) -> None:
    before = _machine()
    host = make_host(forwards=(forward(free_port(), ("10.250.0.1", 7000)),))
    started = host.start()
    host.transport.put("/var/lib/data", b"kept")
    wait_for(lambda: len(host.pids()) >= 4)
    started.supervisor.signal(signal.SIGKILL)
    wait_for(lambda: not host.pids())
    assert lifecycle.current(host.layout) is None
    assert not lifecycle.locked(host.layout)
    assert _machine() == before
    again = host.start()
    assert again.boots == 1
    assert host.transport.get("/var/lib/data") == b"kept"


def test_removing_leaves_nothing(make_host: Make) -> None:
    before = _machine()
    host = make_host()
    state = host.start()
    host.remove()
    assert not state.supervisor.alive
    assert cgroups.existing(host.spec.cgroup) == ()
    assert not host.layout.base.exists()
    assert _machine() == before
    host.remove()


def test_data_can_be_kept_and_is_found_again(make_host: Make) -> None:
    host = make_host()
    host.start()
    host.transport.put("/var/lib/data", b"kept")
    lifecycle.remove(host.layout, host.spec.cgroup, keep_data=True)
    assert cgroups.existing(host.spec.cgroup) == ()
    host.start()
    assert host.transport.get("/var/lib/data") == b"kept"


def test_strays_and_groups_of_a_dead_host_are_cleaned_up(make_host: Make) -> None:
    host = make_host()
    host.start().supervisor.signal(signal.SIGKILL)
    wait_for(lambda: not host.pids())
    stray = subprocess.Popen(["sleep", "1000"])
    for group in cgroups.existing(host.spec.cgroup):
        below = group / "kubepods" / "pod1"
        below.mkdir(parents=True)
        if (group / "cpuset.cpus").exists():
            for folder in (below.parent, below):
                for file in ("cpuset.cpus", "cpuset.mems"):
                    (folder / file).write_text((group / file).read_text())
        (below / "cgroup.procs").write_text(str(stray.pid))
    host.start()
    assert stray.wait(5) == -signal.SIGKILL
    assert not any((group / "kubepods").exists() for group in cgroups.existing(host.spec.cgroup))


def test_a_port_leads_into_the_host_and_survives_the_forwarder(make_host: Make, echo: Echo) -> None:
    port = free_port()
    host = make_host(forwards=(forward(port, ("10.250.0.1", 7000)),))
    host.start()
    assert ask(port) == b""
    echo(host, 7000)
    megabytes = os.urandom(3_000_000)
    assert ask(port, megabytes) == megabytes
    init = host.state().init
    assert init is not None
    children = {pid for pid in host.pids() if Path(f"/proc/{pid}/cmdline").read_bytes().find(b"forwarder") > 0}
    assert children
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: ask(port) == b"hello")
    assert host.state().init == init


def test_changed_forwards_are_followed_without_a_restart(make_host: Make, echo: Echo) -> None:
    old, new = free_port(), free_port()
    host = make_host(forwards=(forward(old, ("10.250.0.1", 7000)),))
    started = host.start()
    echo(host, 7000)
    wait_for(lambda: ask(old) == b"hello")
    changed = host.change(forwards=(forward(new, ("10.250.0.9", 7000), ("10.250.0.1", 7000)),))
    assert changed.init == started.init
    wait_for(lambda: ask(new) == b"hello")
    assert ask(old) == b""


def test_a_busy_port_is_refused_before_anything_is_made(make_host: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        host = make_host(forwards=(forward(other.getsockname()[1], ("10.250.0.1", 1), name="gateway"),))
        with pytest.raises(PortInUse, match="gateway"):
            host.start()
    assert not host.layout.root.exists()
    assert cgroups.existing(host.spec.cgroup) == ()


def test_a_folder_of_somebody_else_is_left_alone(make_host: Make) -> None:
    host = make_host()
    host.layout.root.mkdir(parents=True)
    photo = host.layout.root / "photo.jpg"
    photo.write_text("precious")
    with pytest.raises(NotOurs, match=r"host\.json"):
        host.start()
    with pytest.raises(NotOurs):
        host.remove()
    assert photo.read_text() == "precious"
    photo.unlink()


def test_a_missing_tool_is_named_before_anything_is_made(make_host: Make) -> None:
    host = make_host()
    with pytest.raises(InvalidHost, match="kubelet is not an executable"):
        host.change(tools={"kubelet": "/nowhere/kubelet"})
    assert not host.layout.root.exists()


def test_hosts_reach_each_other_and_find_each_other_again(make_host: Make, echo: Echo) -> None:
    port = free_port()
    first, second = make_host(1, forwards=(forward(port, ("10.250.0.2", 7000)),)), make_host(2)
    started = first.start()
    second.start()
    echo(second, 7000)
    wait_for(lambda: ask(port) == b"hello")
    started.supervisor.signal(signal.SIGKILL)
    assert wait_until_gone(started.supervisor, 5)
    first.start()
    wait_for(lambda: ask(port) == b"hello")
    assert second.state().boots == 1


def test_a_host_that_comes_before_its_switch_is_plugged_in_later(make_host: Make, echo: Echo) -> None:
    port = free_port()
    first, second = make_host(1, forwards=(forward(port, ("10.250.0.2", 7000)),)), make_host(2)
    second.start()
    assert second.transport.run(["ip", "link", "show", "eth0"], check=False).code != 0
    first.start()
    wait_for(lambda: second.transport.run(["ip", "link", "show", "eth0"], check=False).code == 0)
    echo(second, 7000)
    wait_for(lambda: ask(port) == b"hello")


def test_files_are_whole_private_and_may_hold_any_bytes(make_host: Make) -> None:
    host = make_host()
    host.start()
    content = bytes(range(256)) * 1000
    host.transport.put("/etc/kubernetes/mlp/key 'x'", content)
    assert host.transport.get("/etc/kubernetes/mlp/key 'x'") == content
    assert host.transport.run(["stat", "-c", "%a", "/etc/kubernetes/mlp/key 'x'"]).text == "600\n"
    assert host.transport.get("/etc/kubernetes/nothing") is None


def test_commands_fail_in_words_and_end_in_time(make_host: Make) -> None:
    host = make_host()
    host.start()
    with pytest.raises(CommandFailed, match="sh ended with code 3: no such thing"):
        host.transport.run(["sh", "-c", "echo no such thing >&2; exit 3"])
    with pytest.raises(DeadlinePassed, match="longer than 1 s"):
        host.transport.run(["sleep", "1000"], timeout=1)
    all_commands = ["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"]
    assert "sleep 100000 " in host.transport.run(all_commands, check=False).text
    wait_for(lambda: "sleep 1000 " not in host.transport.run(all_commands, check=False).text)


def test_a_host_that_does_not_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match="does not run"):
        LocalTransport(Layout("nobody", "node1", tmp_path)).run(["true"])


def test_limits_bound_the_whole_host(make_host: Make) -> None:
    host = make_host()
    host.change(memory_bytes=512 << 20, cpus=0.5)
    values = {
        (group / file).read_text().strip()
        for group in cgroups.existing(host.spec.cgroup)
        for file in ("memory.limit_in_bytes", "memory.max", "cpu.cfs_quota_us", "cpu.max")
        if (group / file).exists()
    }
    assert str(512 << 20) in values
    assert values & {"50000", "50000 100000"}


def test_the_supervisor_belongs_to_nobody(make_host: Make) -> None:
    supervisor = make_host().start().supervisor
    assert child_of(os.getpid()) != supervisor.pid
    assert os.getsid(supervisor.pid) != os.getsid(0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    syscalls.mount("tmpfs", str(folder), "tmpfs", options="size=16m")
    yield folder
    syscalls.unmount(str(folder))


def test_a_full_disk_ends_neither_the_host_nor_its_supervisor(small_disk: Path, make_host: Make) -> None:
    host = make_host()
    host.layout = Layout(host.layout.installation, host.layout.host, small_disk)
    started = host.start()
    wait_for(lambda: host.transport.get("/run/mlp/containerd.pid"))
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(32 << 20))
    before = _service(host)
    host.transport.run(["sh", "-c", f"kill -9 {before}"])
    wait_for(lambda: _service(host) != before)
    assert host.state().init == started.init
    filler.unlink()
    assert host.change(forwards=(forward(free_port(), ("10.250.0.1", 7000)),)).supervisor == started.supervisor
    host.remove()
