"""Takes everything of ours off a bare host: processes, mounts, interfaces, routes, firewall rules, files.

Only for a host that bears our mark: preflight made sure that every container and every Kubernetes rule there is ours.
"""

from __future__ import annotations

from infra.hosts.bare_services import NETWORK
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

_PROCESSES = f"""
# Whatever runs from our folder, then whatever runs in pods' control groups.
mine() {{
  for folder in /proc/[0-9]*; do
    case "$(readlink "$folder/exe" 2>/dev/null)" in {STORE}/*) echo "${{folder#/proc/}}" ;; esac
  done
}}
pods() {{
  find /sys/fs/cgroup -maxdepth 4 -type d \\( -name kubepods -o -name kubepods.slice \\) 2>/dev/null
}}
members() {{
  pods | while read -r group; do
    find "$group" -name cgroup.procs -exec cat {{}} + 2>/dev/null
  done | sort -u | grep -vx 0
}}
for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  left="$(mine) $(members)"
  [ -n "$(echo $left)" ] || break
  kill -9 $left 2>/dev/null
  sleep 0.3
done
pods | while read -r group; do find "$group" -depth -type d -exec rmdir {{}} + 2>/dev/null; done
[ -z "$(echo $(mine) $(members))" ] || echo "processes: $(mine) $(members)"
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

_FIREWALL = """
# Chains and sets that Kubernetes' parts make bear their names; everything else stays as it is.
for tables in iptables ip6tables; do
  command -v $tables-save > /dev/null || continue
  saved=$($tables-save 2>/dev/null) || continue
  case "$saved" in *KUBE-*|*CNI-*) ;; *) continue ;; esac
  echo "$saved" | grep -vE '(:| )(KUBE-|CNI-)|kube-bridge' | $tables-restore
done
if command -v nft > /dev/null; then
  for family in ip ip6; do nft delete table $family kube-proxy 2>/dev/null; done
fi
if command -v ipset > /dev/null; then
  for set in $(ipset list -n 2>/dev/null | grep -E '^(inet6:)?(KUBE-|kube-router-)'); do
    ipset flush "$set"
  done
  for set in $(ipset list -n 2>/dev/null | grep -E '^(inet6:)?(KUBE-|kube-router-)'); do
    ipset destroy "$set" || echo "ipset: $set"
  done
fi
"""


def remove_all(transport: Transport, folders: tuple[str, ...] = ()) -> None:
    """Raises HostError naming what does not go. The mark goes last, so that a retry goes on."""
    left: list[str] = []
    for script in (_PROCESSES, _MOUNTS, _NETWORK, _FIREWALL):
        left += transport.run(["/bin/sh", "-c", f"{script}\ntrue\n", "remove", NETWORK], timeout=120).text.splitlines()
    if left:
        raise HostError(
            f"host {transport.host} keeps something of the platform: {'; '.join(left)}. Start it anew, then "
            "run `platform down` again."
        )
    transport.run(["rm", "-rf", *FOLDERS, *folders, CONTAINERD_CONFIG], timeout=300)
    transport.run(["/bin/sh", "-c", _FILES, "files"], timeout=60)


_FILES = f"""
for link in {CNI_BIN_DIR}/*; do
  case "$(readlink "$link" 2>/dev/null)" in {STORE}/*) rm -f "$link" ;; esac
done
rmdir /opt/containerd/bin /opt/containerd/lib /opt/containerd 2>/dev/null
rmdir {CNI_BIN_DIR} /opt/cni /etc/cni /etc/containerd 2>/dev/null
rm -rf {ROOT}
true
"""
