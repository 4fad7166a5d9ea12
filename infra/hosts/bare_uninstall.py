"""Takes everything of ours off a bare host: processes, mounts, interfaces, routes, firewall rules, files.

Only for a host that bears our mark: preflight made sure that every container and every Kubernetes rule there is ours.
"""

from __future__ import annotations

from infra.hosts import bare_services
from infra.hosts.bare_services import NETWORK, RUN
from infra.hosts.bare_tools import ROOT, STORE
from infra.hosts.errors import HostError
from infra.hosts.layout import CNI_BIN_DIR, CNI_CONF_DIR, CONTAINERD_CONFIG, SERVICE_LOGS, SERVICE_STATE
from infra.hosts.transport import Transport

FOLDERS = (
    "/etc/kubernetes",
    CNI_CONF_DIR,
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/containerd",
    "/var/lib/cni",
    "/var/log/pods",
    "/var/log/containers",
    "/var/log/kubernetes",
    "/run/containerd",
    "/run/flannel",
    "/run/xtables.lock",
    SERVICE_LOGS,
    SERVICE_STATE,
)

_PODS = """
# Everything in pods' control groups. A process of another process namespace shows as 0.
groups() {
  find /sys/fs/cgroup -maxdepth 4 -type d \\( -name kubepods -o -name kubepods.slice \\) 2>/dev/null
}
members() {
  groups | while read -r group; do
    find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null
  done | sort -u | grep -vx 0
}
for attempt in $(seq 40); do
  left=$(members)
  [ -n "$left" ] || break
  kill -9 $left 2>/dev/null
  sleep 0.2
done
groups | while read -r group; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; done
left=$(members)
[ -z "$left" ] || echo "pods' processes:" $left
"""

_FIREWALL = f"""
# Kubernetes' rules, by the programs that made them: those of another version cannot read them. They are in kube-proxy's
# image; where that is not, it never ran. A retry finds containerd stopped.
if ! timeout 5 ctr version > /dev/null 2>&1; then
  setsid {RUN} containerd > /dev/null 2>&1 &
  for attempt in $(seq 40); do
    if timeout 5 ctr version > /dev/null 2>&1; then break; fi
    sleep 0.3
  done
fi
image=$(ctr -n k8s.io images ls -q 2>/dev/null | grep '/kube-proxy:' | head -n 1)
if [ -n "$image" ]; then
  ctr -n k8s.io run --rm --net-host --privileged --cgroup "" "$image" "mlp-clean-$$" /bin/sh -c "$2" 2>&1
fi
"""

_RULES = """
for family in ip ip6; do nft delete table $family kube-proxy 2>/dev/null; done
for tables in iptables ip6tables; do
  saved=$($tables-save 2>/dev/null)
  case "$saved" in *KUBE-*|*CNI-*|*kube-*) ;; *) continue ;; esac
  echo "$saved" | grep -vE '(:| )(KUBE-|CNI-)|kube-bridge|kube-router-' | $tables-restore || echo "$tables: rules"
done
ours() { ipset list -n 2>/dev/null | grep -E '^(inet6:)?(KUBE-|kube-router-)'; }
for set in $(ours); do ipset flush "$set"; done
for attempt in 1 2; do for set in $(ours); do ipset destroy "$set" 2>/dev/null; done; done
for set in $(ours); do echo "ipset: $set"; done
true
"""

_PROCESSES = f"""
# Thread by thread: one that still writes outlives the first one, whose program can no longer be read.
mine() {{
  for thread in /proc/[0-9]*/task/[0-9]*; do
    case "$(readlink "$thread/exe" 2>/dev/null)" in
      {STORE}/*) thread="${{thread#/proc/}}"; echo "${{thread%%/*}}" ;;
    esac
  done | sort -u
}}
for attempt in $(seq 40); do
  left=$(mine)
  [ -n "$left" ] || break
  kill -9 $left 2>/dev/null
  sleep 0.2
done
left=$(mine)
[ -z "$left" ] || echo "processes:" $left
"""

_MOUNTS = f"""
ours() {{
  awk '$2 ~ "^(/var/lib/kubelet|/var/lib/containerd|/run/containerd|/run/netns/cni-|{ROOT})" {{print $2}}' /proc/mounts
}}
for attempt in 1 2 3; do
  ours | sort -r | while read -r point; do umount "$point" 2>/dev/null || umount -l "$point" 2>/dev/null; done
done
rm -f /run/netns/cni-*
left=$(ours | sort -u)
[ -z "$left" ] || echo "mounts: $left"
"""

_NETWORK = """
for link in $(ls /sys/class/net); do
  case "$link" in
    kube-bridge|kube-dummy-if|tun-*|tun[0-9a-f]*) ip link del "$link" 2>/dev/null ;;
    veth*) ip link del "$link" 2>/dev/null ;;
  esac
done
sed -n 's/^ip route replace/ip route del/p' "$1" 2>/dev/null | sh 2>/dev/null
ip route flush proto 17 2>/dev/null
for table in 77 78 79; do
  while ip rule del table $table 2>/dev/null; do :; done
  ip route flush table $table 2>/dev/null
done
"""


def remove_all(transport: Transport, systemd: bool, folders: tuple[str, ...] = ()) -> None:
    """Raises HostError naming what does not go. The mark goes last, so that a retry goes on."""
    steps = (
        bare_services.stop_script(systemd, ("kubelet",)),
        _PODS,
        _FIREWALL,
        bare_services.stop_script(systemd),
        _PROCESSES,
        _MOUNTS,
        _NETWORK,
    )
    for step in steps:
        argv = ["/bin/sh", "-c", f"{step}\ntrue\n", "remove", NETWORK, _RULES]
        _expect_nothing(transport, argv, 120)
    _expect_nothing(transport, ["/bin/sh", "-c", _FOLDERS, "folders", *FOLDERS, *folders, CONTAINERD_CONFIG], 300)
    transport.run(["/bin/sh", "-c", _FILES, "files"], timeout=60)


def _expect_nothing(transport: Transport, argv: list[str], seconds: float) -> None:
    left = transport.run(argv, timeout=seconds).text.splitlines()
    if left:
        raise HostError(
            f"host {transport.host} keeps something of the platform: {'; '.join(left)}. Start it anew, then "
            "run the command again."
        )


_FOLDERS = """
# What a killed program had begun, such as making a folder, may end after it: then a folder is not empty at once.
for attempt in 1 2 3 4 5; do
  if said=$(rm -rf "$@" 2>&1); then exit 0; fi
  sleep 1
done
echo "$said"
"""


_FILES = f"""
for link in {CNI_BIN_DIR}/*; do
  case "$(readlink "$link" 2>/dev/null)" in {STORE}/*) rm -f "$link" ;; esac
done
rmdir /opt/containerd/bin /opt/containerd/lib /opt/containerd 2>/dev/null
rmdir {CNI_BIN_DIR} /opt/cni /etc/cni /etc/containerd 2>/dev/null
rm -rf {ROOT}
true
"""
