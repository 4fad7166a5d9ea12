"""Addresses that are not the public internet's, for network policies. Pure."""

from __future__ import annotations

AZURE_HOST = "168.63.129.16/32"
"""Of every machine on Azure: hands out the machine's own certificates and settings. A public address by its number."""

POD_IDENTITY_AGENT = "169.254.170.23/32"
"""EKS: gives a pod the credentials of its service account's role, on port 80. The node's own are at 169.254.169.254."""
GKE_METADATA = (("169.254.169.252/32", 988), ("169.254.169.254/32", 80))
"""GKE: the metadata server, by address and port, which gives a pod its own identity, never the node's."""

NOT_PUBLIC_V4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", AZURE_HOST, "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
NOT_PUBLIC_V6 = ("::/127", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8")
"""Never reached as `internet`: private and shared ranges, cloud metadata (169.254.169.254, fd00:ec2::254), and the
IPv6 forms in which an IPv4 address of those can be written."""
