"""What a bare host says about itself, and whether a node of ours can live there. Pure, but for `ask` and `reach`."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.hosts.errors import HostError
from infra.hosts.transport import Transport

MARK = "/opt/mlp/etc/machine.json"
"""On the host: whose it is."""

GIB = 2**30
MEMORY_BYTES = {"control-plane": int(1.7 * GIB), "worker": int(0.9 * GIB)}
DISK_BYTES = 12 * GIB
SKEW_SECONDS = 2.0
MTU_LEAST = 1280
COMMANDS = ("tar", "sha256sum", "timeout", "setsid", "mount", "readlink", "stat", "find")
PORTS = {
    "control-plane": (6443, 2379, 2380, 10250, 10257, 10259),
    "worker": (10250,),
}
FOREIGN = (
    "/etc/kubernetes",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/containerd",
    "/etc/rancher",
    "/var/lib/rancher",
    "/var/snap/microk8s",
    "/var/lib/docker",
)
"""Folders that are empty or missing where no Kubernetes, containerd or Docker was used."""
RUNTIMES = ("containerd", "dockerd", "crio", "kubelet", "k3s", "etcd")
MODULES = ("overlay", "br_netfilter", "nf_conntrack", "veth", "bridge", "ip_set", "xt_set", "nf_tables")


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. `blocking`: no node can be made."""

    host: str
    message: str
    remedy: str
    blocking: bool = True

    def __str__(self) -> str:
        return f"{self.host}: {self.message}. {self.remedy}"


_ASK = f"""
say() {{ printf '%s=%s\\n' "$1" "$2"; }}
say now "$(date +%s.%N)"
say kernel "$(uname -r)"
say machine "$(uname -m)"
say system "$(. /etc/os-release 2>/dev/null; echo "${{PRETTY_NAME:-unknown}}")"
say name "$(cat /proc/sys/kernel/hostname)"
say identity "$(cat /etc/machine-id 2>/dev/null)"
say user "$(id -u)"
say systemd "$(if [ -d /run/systemd/system ]; then echo yes; else echo no; fi)"
say memory "$(awk '/^MemTotal/ {{print $2 * 1024}}' /proc/meminfo)"
say swap "$(awk 'NR > 1' /proc/swaps | wc -l)"
say disk "$(df -Pk /var/lib | awk 'NR == 2 {{print $4 * 1024}}')"
say glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
say mine "$(tr -d '\\n' < {MARK} 2>/dev/null)"
say controllers "$(awk '!/^#/ && $4 == 1 {{printf "%s ", $1}}' /proc/cgroups) \
$(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null)"
say filesystems "$(awk '{{printf "%s ", $NF}}' /proc/filesystems)"
for name in {" ".join(COMMANDS)}; do command -v "$name" > /dev/null || say lacks "$name"; done
for folder in {" ".join(FOREIGN)}; do
  if [ -n "$(ls -A "$folder" 2>/dev/null)" ]; then say foreign "$folder"; fi
done
for folder in /proc/[0-9]*; do
  read -r name < "$folder/comm" 2>/dev/null || continue
  case " {" ".join(RUNTIMES)} " in *" $name "*) say runs "$name" ;; esac
done
for name in {" ".join(MODULES)}; do
  if [ -d "/sys/module/$name" ] || modprobe "$name" 2>/dev/null; then say module "$name"; fi
done
awk 'NR > 1 && $4 == "0A" {{split($2, part, ":"); print "port=" part[2]}}' /proc/net/tcp /proc/net/tcp6 2>/dev/null
ip -o -4 addr show | awk '{{print "address=" $2 " " $4}}'
for folder in /sys/class/net/*; do say mtu "${{folder##*/}} $(cat "$folder/mtu")"; done
exit 0
"""


@dataclass(frozen=True)
class HostFacts:
    """What `ask` found. Times in seconds, sizes in bytes."""

    host: str
    one: Mapping[str, str]
    many: Mapping[str, tuple[str, ...]]
    skew: float
    """How far the host's clock is ahead of this machine's, give or take the time of asking."""

    @property
    def systemd(self) -> bool:
        return self.one.get("systemd") == "yes"

    def belongs_to(self, installation: str) -> bool:
        """Whether it is a node of that installation already."""
        return f'"installation": "{installation}"' in self.one.get("mine", "")

    @property
    def ports(self) -> frozenset[int]:
        return frozenset(int(port, 16) for port in self.many.get("port", ()))

    def interface(self, address: str) -> str | None:
        """The interface that has an address."""
        pairs = (line.split() for line in self.many.get("address", ()))
        return next((name for name, found in pairs if found.split("/")[0] == address), None)

    def mtu(self, interface: str) -> int | None:
        pairs = (line.split() for line in self.many.get("mtu", ()))
        return next((int(value) for name, value in pairs if name == interface), None)


_REPEATED = frozenset({"lacks", "foreign", "runs", "module", "port", "address", "mtu"})


def parse(host: str, text: str, skew: float) -> HostFacts:
    """`name=value` lines."""
    one: dict[str, str] = {}
    many: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name in _REPEATED:
            many.setdefault(name, []).append(value.strip())
        elif equals:
            one[name] = value.strip()
    return HostFacts(host, one, {name: tuple(values) for name, values in many.items()}, skew)


def ask(transport: Transport) -> HostFacts:
    """Changes nothing on the host but for kernel modules that it loads. Raises HostError."""
    transport.run(["true"])  # connecting must not count as a wrong clock
    began = time.time()
    text = transport.run(["/bin/sh", "-c", _ASK], timeout=30).text
    ended = time.time()
    facts = parse(transport.host, text, 0.0)
    try:
        there = float(facts.one["now"])
    except (KeyError, ValueError):
        raise HostError(f"host {transport.host} does not say what it is: {text[:200]!r}; is /bin/sh there?") from None
    nearest = min(max(there, began), ended)
    return HostFacts(facts.host, facts.one, facts.many, there - nearest)


def judge(facts: HostFacts, role: str, address: str, machine: str, installation: str) -> list[Finding]:
    """What is wrong with one host. `machine` is what `uname -m` says where our programs were made."""
    found: list[Finding] = []

    def add(message: str, remedy: str, blocking: bool = True) -> None:
        found.append(Finding(facts.host, message, remedy, blocking))

    mine = facts.belongs_to(installation)
    found += _usable(facts, machine)
    if facts.one.get("mine") and not mine:
        add("it belongs to another installation", "Run `platform down` there first, or take another host.")
    if not mine:
        found += _foreign(facts, role)
    least = MEMORY_BYTES[role]
    memory = int(float(facts.one.get("memory") or 0))
    if memory < least:
        add(f"it has {memory / GIB:.1f} GiB of memory", f"A {role} needs {least / GIB:.1f} GiB or more.")
    disk = int(float(facts.one.get("disk") or 0))
    if disk < DISK_BYTES and not mine:
        add(f"/var/lib has {disk / GIB:.0f} GiB free", f"Images and volumes need {DISK_BYTES // GIB} GiB or more.")
    if int(facts.one.get("swap") or 0):
        add("swap is on", "Switch it off (`swapoff -a`, and in /etc/fstab): limits of memory do not hold.", False)
    found += _kernel(facts)
    found += _network(facts, address)
    if abs(facts.skew) > SKEW_SECONDS:
        add(
            f"its clock is {abs(facts.skew):.0f} s {'ahead' if facts.skew > 0 else 'behind'}",
            "Let it follow a time server (chrony, systemd-timesyncd): certificates and leases depend on it.",
        )
    return found


def _usable(facts: HostFacts, machine: str) -> list[Finding]:
    """Whether our programs can run there at all."""
    found = []
    if facts.one.get("user") != "0":
        remedy = "Let onprem.ssh.user be root or one that may use sudo without a password."
        found.append(Finding(facts.host, "commands do not run as root", remedy))
    if facts.one.get("machine") != machine:
        message = f"it is {facts.one.get('machine')}, but our programs are for {machine}"
        remedy = "All hosts, and the machine that runs `platform`, need the same architecture."
        found.append(Finding(facts.host, message, remedy))
    if not facts.one.get("glibc"):
        remedy = "Use a distribution with glibc, such as Debian 12 or newer."
        found.append(Finding(facts.host, "it has no GNU C library", remedy))
    if facts.many.get("lacks"):
        remedy = "Install coreutils, util-linux, findutils and tar."
        found.append(Finding(facts.host, f"it lacks {', '.join(facts.many['lacks'])}", remedy))
    return found


def _foreign(facts: HostFacts, role: str) -> list[Finding]:
    """What is in the way on a host that is not ours yet."""
    found = []
    folders, runs = facts.many.get("foreign", ()), sorted(set(facts.many.get("runs", ())))
    if folders:
        message = f"{', '.join(folders)} is not empty: another Kubernetes or container runtime was used here"
        remedy = "Remove that (`kubeadm reset`, purge its packages, then the folders), or take another host."
        found.append(Finding(facts.host, message, remedy))
    if runs:
        remedy = "Stop and remove it: the platform brings a container runtime and Kubernetes of its own."
        found.append(Finding(facts.host, f"{', '.join(runs)} runs already", remedy))
    busy = sorted(set(PORTS[role]) & facts.ports)
    if busy:
        found.append(Finding(facts.host, f"port {busy[0]} is in use", "End what listens there (`ss -tlnp`)."))
    return found


def _kernel(facts: HostFacts) -> list[Finding]:
    found = []
    controllers = set(facts.one.get("controllers", "").split())
    missing = [name for name in ("cpu", "memory", "pids") if name not in controllers]
    if missing:
        remedy = "Boot with cgroup_enable=memory, or a kernel that has them."
        found.append(Finding(facts.host, f"control groups lack {', '.join(missing)}", remedy))
    if "overlay" not in facts.one.get("filesystems", "").split() and "overlay" not in facts.many.get("module", ()):
        found.append(Finding(facts.host, "the kernel has no overlay file system", "Load module overlay."))
    return found


def _network(facts: HostFacts, address: str) -> list[Finding]:
    interface = facts.interface(address)
    if interface is None:
        return [
            Finding(
                facts.host,
                f"no interface has address {address}",
                "Write the address at which the other hosts reach it into onprem.hosts.",
            )
        ]
    mtu = facts.mtu(interface)
    if mtu is not None and mtu < MTU_LEAST:
        return [Finding(facts.host, f"{interface} has an MTU of {mtu}", f"Raise it to {MTU_LEAST} or more.")]
    return []


def compare(hosts: Sequence[HostFacts], addresses: Mapping[str, str]) -> list[Finding]:
    """What does not fit between hosts. `addresses`: each one's own."""
    found = []
    for what, words in (("name", "host name"), ("identity", "/etc/machine-id")):
        seen: dict[str, str] = {}
        for facts in hosts:
            value = facts.one.get(what, "")
            other = seen.setdefault(value, facts.host) if value else facts.host
            if other != facts.host:
                message = f"it has the {words} of {other} ({value})"
                found.append(Finding(facts.host, message, "Give each host one of its own, then start it again."))
    if len({facts.systemd for facts in hosts}) > 1:
        odd = [facts.host for facts in hosts if not facts.systemd]
        remedy = "Use systemd on all hosts or on none: they share one way of making control groups."
        found.append(Finding(odd[0], "it does not run systemd, but others do", remedy))
    sizes = {facts.host: facts.mtu(facts.interface(addresses[facts.host]) or "") for facts in hosts}
    known = {size for size in sizes.values() if size is not None}
    if len(known) > 1:
        least = min(known)
        odd = [host for host, size in sizes.items() if size == least]
        message = f"its MTU is {least}, that of others {max(known)}: large packets may get lost"
        found.append(Finding(odd[0], message, "Give all hosts the same MTU.", False))
    return found


def ranges(addresses: Mapping[str, str], nodes: str) -> list[Finding]:
    """Hosts outside of the range in which policies expect nodes."""
    network = ipaddress.IPv4Network(nodes)
    remedy = f"Set kubernetes.ranges.nodes to the hosts' network; it is {nodes}."
    return [
        Finding(host, f"its address {address} is not in the range of nodes", remedy)
        for host, address in addresses.items()
        if ipaddress.IPv4Address(address) not in network
    ]


_REACH = """
for target in "$@"; do
  said=$(timeout 4 bash -c 'exec 3<>/dev/tcp/$0' "${target%:*}/${target##*:}" 2>&1) && continue
  case "$said" in *refused*) ;; *) echo "$target" ;; esac
done
exit 0
"""


def reach(transport: Transport, targets: Sequence[str]) -> list[Finding]:
    """Which `address:port` of other hosts packets do not get to. One that refuses is reached: nothing listens yet."""
    if not targets:
        return []
    done = transport.run(["/bin/sh", "-c", _REACH, "reach", *targets], timeout=10 + 5 * len(targets))
    remedy = "Open it in firewalls between the hosts; nodes need all of each other."
    return [Finding(transport.host, f"it does not reach {target}", remedy) for target in done.text.split()]
