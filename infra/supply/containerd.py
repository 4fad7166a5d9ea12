"""What containerd's `ctr` says, read as values. Running it on a node belongs to who owns the node.

An archive is taken in by `ctr -n k8s.io images import -`; the listings below come from the same namespace.
"""

from __future__ import annotations

KUBERNETES_NAMESPACE = "k8s.io"
"""containerd's own kind of namespace: the one in which the kubelet looks for images."""


def present_images(listing: str) -> frozenset[str]:
    """`ctr images ls` → the identities (`<reference>@<digest>`) of the images that are there."""
    rows = [line.split() for line in listing.splitlines()[1:]]
    return frozenset(f"{row[0]}@{row[2]}" for row in rows if len(row) > 2)


def present_blobs(listing: str) -> frozenset[str]:
    """`ctr content ls -q` → digests of the content that is there."""
    return frozenset(line.strip() for line in listing.splitlines() if line.startswith("sha256:"))
