"""What bare hosts are told and asked; scripts that need no host are run."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from infra.hosts import bare, bare_facts, bare_services, bare_tools
from infra.hosts.bare_facts import HostFacts
from infra.hosts.services import SERVICES

GOOD = """\
now=1795473923.48
machine=x86_64
name=alpha
identity=b91e
user=0
systemd=no
memory=8589934592
swap=0
disk=64424509440
glibc=glibc 2.36
mine=
controllers=cpuset cpu memory pids
filesystems=ext4 overlay
port=0016
address=lo 127.0.0.1/8
address=eth0 192.0.2.11/24
mtu=eth0 1500
mtu=lo 65536
"""


def facts(*changes: tuple[str, str], host: str = "alpha", skew: float = 0.0) -> HostFacts:
    text = GOOD
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return bare_facts.parse(host, text, skew)


def judged(found: HostFacts, role: str = "control-plane") -> list[str]:
    return [str(finding) for finding in bare_facts.judge(found, role, "192.0.2.11", "x86_64", "prod")]


def test_a_host_that_is_fine_has_no_findings() -> None:
    assert judged(facts()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("machine=x86_64", "machine=aarch64"), "it is aarch64, but our programs are for x86_64"),
        (("user=0", "user=1000"), "commands do not run as root"),
        (("glibc=glibc 2.36", "glibc="), "no GNU C library"),
        (("memory=8589934592", "memory=1.07374e+09"), "has 1.0 GiB of memory"),
        (("disk=64424509440", "disk=1073741824"), "/var/lib has 1 GiB free"),
        (("cpuset cpu memory pids", "cpuset cpu pids"), "control groups lack memory"),
        (("ext4 overlay", "ext4"), "no overlay file system"),
        (("eth0 192.0.2.11/24", "eth0 192.0.2.99/24"), "no interface has address 192.0.2.11"),
        (("mtu=eth0 1500", "mtu=eth0 576"), "an MTU of 576"),
        (("port=0016", "port=192B"), "port 6443 is in use"),
        (("port=0016", "port=0016\nforeign=/var/lib/kubelet"), "/var/lib/kubelet is not empty"),
        (("port=0016", "port=0016\nruns=dockerd"), "dockerd runs already"),
        (("port=0016", "port=0016\nlacks=tar"), "it lacks tar"),
        (("mine=", 'mine={"installation": "other", "host": "alpha"}'), "belongs to another installation"),
    ],
)
def test_each_obstacle_is_named(change: tuple[str, str], words: str) -> None:
    found = judged(facts(change))
    assert len(found) == 1
    assert words in found[0]


def test_what_is_ours_already_is_no_obstacle() -> None:
    ours = ("mine=", 'mine={"installation": "prod", "host": "alpha"}')
    assert judged(facts(ours, ("port=0016", "port=192B\nforeign=/var/lib/kubelet\nruns=containerd"))) == []


def test_a_clock_may_be_off_by_two_seconds_at_most() -> None:
    assert judged(facts(skew=-1.5)) == []
    assert "its clock is 7 s behind" in judged(facts(skew=-7.0))[0]


def test_hosts_must_differ_where_they_must_and_agree_where_they_must() -> None:
    alpha = facts()
    beta = facts(("name=alpha", "name=beta"), ("identity=b91e", "identity=c0de"), host="beta")
    addresses = {"alpha": "192.0.2.11", "beta": "192.0.2.11"}
    assert bare_facts.compare([alpha, beta], addresses) == []
    twin = dataclasses.replace(alpha, host="beta")
    told = [finding.message for finding in bare_facts.compare([alpha, twin], addresses)]
    assert told == ["it has the host name of alpha (alpha)", "it has the /etc/machine-id of alpha (b91e)"]
    odd = dataclasses.replace(beta, one={**beta.one, "systemd": "yes"}, many={**beta.many, "mtu": ("eth0 9000",)})
    told = [finding.message for finding in bare_facts.compare([alpha, odd], addresses)]
    assert told[0] == "it does not run systemd, but others do"
    assert "its MTU is 1500, that of others 9000" in told[1]


def test_addresses_outside_of_the_range_of_nodes_are_named() -> None:
    found = bare_facts.ranges({"alpha": "192.0.2.11", "beta": "198.51.100.1"}, "192.0.2.0/24")
    assert [finding.host for finding in found] == ["beta"]


@pytest.mark.parametrize("systemd", [True, False])
def test_every_script_is_one_that_a_shell_can_read(systemd: bool) -> None:
    scripts = [
        bare_services.run_script(),
        bare_services.supervise_script(),
        bare_services.logs_script(),
        bare_services.network_script({"net/ipv4/ip_forward": "1"}, ("overlay",), ("blackhole 10.244.0.0/16",)),
        bare_services.start_script(systemd),
        bare_services.running_script(systemd),
        bare_services.restart_script(systemd),
        bare_services.stop_script(systemd),
        bare_services.stop_script(systemd, ("kubelet",)),
    ]
    for script in scripts:
        subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)


def test_systemd_and_the_loop_keep_the_same_services() -> None:
    units = bare_services.units()
    for name in (*(service.name for service in SERVICES), "logs"):
        assert f"mlp-{name}.service" in units
    assert "Restart=always" in units["mlp-kubelet.service"]
    assert "KillMode=process" in units["mlp-containerd.service"]
    assert "Delegate=yes" in units["mlp-containerd.service"]


def test_the_files_of_a_host_follow_its_init_system() -> None:
    machine = bare.Machine(
        "prod", "alpha", "192.0.2.11", "worker", "10.244.0.0/16", "10.96.0.0/16", {}, "registry.mlp.internal/pause:1"
    )
    plain = bare.files_of(machine, {}, systemd=False, restrict_oom_score=True)
    full = bare.files_of(machine, {}, systemd=True, restrict_oom_score=False)
    assert not any(path.startswith("/etc/systemd") for path in plain)
    assert "/etc/systemd/system/mlp-kubelet.service" in full
    assert "SystemdCgroup = true" in full["/etc/containerd/config.toml"]
    assert "SystemdCgroup = false" in plain["/etc/containerd/config.toml"]
    assert "ip route replace blackhole 10.244.0.0/16" in plain[bare_services.NETWORK]
    assert "ip route replace 10.96.0.0/16 dev lo src 192.0.2.11" in plain[bare_services.NETWORK]
    assert bare.fingerprint(machine, (), plain) != bare.fingerprint(machine, (), full)


def test_tools_bring_their_libraries_but_not_the_c_library() -> None:
    said = """\
        linux-vdso.so.1 (0x00007ffd)
        libseccomp.so.2 => /lib/x86_64-linux-gnu/libseccomp.so.2 (0x00007f1)
        libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2)
        libresolv.so.2 => /lib/x86_64-linux-gnu/libresolv.so.2 (0x00007f3)
        libgone.so.1 => not found
        /lib64/ld-linux-x86-64.so.2 (0x00007f4)
"""
    assert list(bare_tools.parse_ldd(said)) == ["libseccomp.so.2"]


def test_equal_content_has_one_place_and_env_follows_what_is_pushed(tmp_path: Path) -> None:
    for name in ("kubelet", "bridge"):
        (tmp_path / name).write_bytes(b"#!/bin/sh\n")
    tools = {"kubelet": str(tmp_path / "kubelet"), "cni/bridge": str(tmp_path / "bridge")}
    found = {item.link: item for item in bare_tools.items(tools, {})}
    assert set(found) == {"/opt/mlp/bin/kubelet", "/opt/cni/bin/bridge"}
    assert found["/opt/mlp/bin/kubelet"].place.endswith("/kubelet")
    assert bare_tools.environment(found.values()) == {}
    library = dataclasses.replace(found["/opt/mlp/bin/kubelet"], link="/opt/mlp/lib/libx.so.1")
    assert bare_tools.environment([library]) == {"LD_LIBRARY_PATH": "/opt/mlp/lib"}
