"""Settings of the pod network."""

from __future__ import annotations

from components.contract import ComponentSettings


class NetworkSettings(ComponentSettings):
    """kube-router routes pods and enforces NetworkPolicy. Switch it off where the cluster has both already."""

    cni_conf_dir: str = "/etc/cni/net.d"
    """Folder on the nodes that the container runtime reads its network configuration from."""
    nodes_full_mesh: bool = True
    """Every node peers with every other one (BGP). Switch it off only with route reflectors of your own."""
