"""What an image is made of, as data. infra/supply turns it into OCI blobs (`source`) or finds it in a registry.

Layers are listed from the one that changes least to the one that changes most; equal layers of different images
are built, stored and imported once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

NETWORK_PACKAGES = ("conntrack", "ipset", "iproute2", "iptables", "kmod", "nftables")
"""What programs that steer the node's packets call; images that name all of it share one layer."""


@dataclass(frozen=True)
class DebianPackages:
    """Debian packages and what they need beyond the base (Debian 13 with python3 and ca-certificates)."""

    packages: tuple[str, ...]


@dataclass(frozen=True)
class PythonPackages:
    """Wheels of a hash-pinned requirements lock (path from the project's root), installed to /opt/python."""

    lock: str
    without: tuple[str, ...] = ()
    """Files and folders that images do not need, as globs relative to /opt/python."""


@dataclass(frozen=True)
class GoBinary:
    """One binary of the toolchain's version list, at `path` (default /usr/local/bin/<tool>)."""

    tool: str
    path: str | None = None


@dataclass(frozen=True)
class SourceTree:
    """Files and folders of this project (paths from its root, tests left out), below `dest`."""

    paths: tuple[str, ...]
    dest: str = "/opt/python"


@dataclass(frozen=True)
class TextFile:
    """A file with fixed content, for a configuration that belongs to the image."""

    path: str
    content: str
    mode: int = 0o644


Layer = DebianPackages | PythonPackages | GoBinary | SourceTree | TextFile


@dataclass(frozen=True)
class Image:
    """One image. `base` is `scratch` (static binaries only) or `debian`. `user` is numeric for runAsNonRoot."""

    name: str
    version: str
    layers: tuple[Layer, ...]
    base: str = "debian"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    user: str = "65532:65532"
    workdir: str = "/"
    tag: Literal["content", "fixed"] = "content"
    """`content`: the tag is the version and a part of the digest, so a changed image is a new name, and a node that
    has the name has the image. `fixed`: the version alone, where something else decides the name (kubeadm)."""
    upstream: str | None = None
    """Reference with digest of the image that `upstream` and `mirror` supply use instead; None: built always."""
