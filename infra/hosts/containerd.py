"""containerd's configuration as text. Its values are ours, not a person's: paths, an image reference, two switches."""

from __future__ import annotations

import json

from infra.hosts.layout import CNI_BIN_DIR, CNI_CONF_DIR, CONTAINERD_SOCKET


def configuration(sandbox_image: str, restrict_oom_score: bool, systemd_cgroup: bool = False) -> str:
    """Format version 2, which containerd 1.6 to 2 read.

    `restrict_oom_score`: for machines without CAP_SYS_RESOURCE, where lowering a score is refused.
    """
    cri = '[plugins."io.containerd.grpc.v1.cri"'
    return "\n".join(
        [
            "version = 2",
            'root = "/var/lib/containerd"',
            'state = "/run/containerd"',
            "[grpc]",
            f"  address = {json.dumps(CONTAINERD_SOCKET)}",
            f"{cri}]",
            f"  sandbox_image = {json.dumps(sandbox_image)}",
            f"  restrict_oom_score_adj = {json.dumps(restrict_oom_score)}",
            "  max_container_log_line_size = 16384",
            f"{cri}.cni]",
            f"  bin_dir = {json.dumps(CNI_BIN_DIR)}",
            f"  conf_dir = {json.dumps(CNI_CONF_DIR)}",
            f"{cri}.containerd]",
            '  snapshotter = "overlayfs"',
            '  default_runtime_name = "runc"',
            f"{cri}.containerd.runtimes.runc]",
            '  runtime_type = "io.containerd.runc.v2"',
            f"{cri}.containerd.runtimes.runc.options]",
            f"  SystemdCgroup = {json.dumps(systemd_cgroup)}",
            "",
        ]
    )
