"""Where a host keeps what, on the machine and inside. Pure paths."""

from __future__ import annotations

from pathlib import Path

HOSTS_ROOT = Path("/var/lib/mlp")

TOOLS_DIR = "/opt/mlp/bin"
CNI_BIN_DIR = "/opt/cni/bin"
CNI_CONF_DIR = "/etc/cni/net.d"
SERVICE_LOGS = "/var/log/mlp"
SERVICE_STATE = "/run/mlp"
CONTAINERD_CONFIG = "/etc/containerd/config.toml"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
KUBELET_FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
KUBELET_VOLUME_PLUGINS = "/var/lib/kubelet/volume-plugins"
ADMIN_CONF = "/etc/kubernetes/admin.conf"
"""Paths inside a host."""

PATH = f"{TOOLS_DIR}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Layout:
    """Paths of one host on the machine: everything of it is below `root`."""

    def __init__(self, installation: str, host: str, base: Path = HOSTS_ROOT) -> None:
        self.installation, self.host, self.base = installation, host, base
        self.root = base / installation / host
        self.spec = self.root / "host.json"
        self.state = self.root / "state.json"
        self.lock = self.root / "supervisor.lock"
        self.log = self.root / "supervisor.log"
        self.disk = self.root / "disk"
        """The host's root file system: what it writes stays here over restarts."""
        self.usr_upper = self.root / "usr"
        """What the host changed below /usr."""
        self.usr_work = self.root / "usr-work"

    @classmethod
    def of(cls, root: Path) -> Layout:
        """The layout whose `root` is this folder."""
        return cls(root.parent.name, root.name, root.parent.parent)

    def sibling(self, host: str) -> Layout:
        """Another host of the same installation."""
        return Layout(self.installation, host, self.base)

    def inside(self, path: str) -> Path:
        """Where a path of the host's disk is on the machine (nothing that is mounted inside shows here)."""
        return self.disk / path.lstrip("/")
