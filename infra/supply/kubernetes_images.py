"""The images that a cluster itself is made of, under the names that kubeadm gives them with our registry prefix.

kubeadm composes `<imageRepository>/<name>:<tag>`; only for its own default repository CoreDNS has a folder of its own.
etcd and CoreDNS are tagged with the versions that are in them, so kubeadm's configuration must name these tags.
"""

from __future__ import annotations

from components.images import NETWORK_PACKAGES, DebianPackages, GoBinary, Image, TextFile
from infra.toolchain.versions import BY_NAME, GoTool

PAUSE_TAG = "3.10.2"
"""kubeadm 1.36 asks for this tag and has no setting for it. The program is ours; it does the same: waits and reaps."""

_ROOT = "0:0"
"""kubeadm's static pods read keys that only root may read, and its manifests name no user."""


def kubernetes_images() -> tuple[Image, ...]:
    """kube-apiserver, -controller-manager, -scheduler, kube-proxy, etcd, coredns and pause; sandboxes first."""
    kubernetes = f"v{_version('kubeadm')}"
    return (
        _static("pause", PAUSE_TAG, path="/pause", entrypoint=("/pause",), user="65535:65535"),
        _static("etcd", f"{_version('etcd')}-0"),
        _static("kube-apiserver", kubernetes),
        _static("kube-controller-manager", kubernetes),
        _static("kube-scheduler", kubernetes),
        _static("coredns", f"v{_version('coredns')}", path="/coredns", entrypoint=("/coredns",)),
        Image(
            name="kube-proxy",
            version=kubernetes,
            layers=(DebianPackages(NETWORK_PACKAGES), GoBinary("kube-proxy")),
            user=_ROOT,
            tag="fixed",
        ),
    )


VIRTUAL_ADDRESS = "keepalived"
"""Name of the image that moves the virtual address."""
CHECK_API = "/usr/local/bin/check-api"

_CHECK_API = """#!/bin/sh
# check-api ADDRESS PORT: whether the API server there says that it is ready. It answers that question to everybody.
exec curl --silent --fail --output /dev/null --max-time 3 --cacert /etc/kubernetes/pki/ca.crt "https://$1:$2/readyz"
"""


def virtual_address_image() -> Image:
    """keepalived and its check of the API server. Only clusters with a virtual address need it."""
    return Image(
        name=VIRTUAL_ADDRESS,
        version="2",
        layers=(DebianPackages(("curl", "keepalived")), TextFile(CHECK_API, _CHECK_API, 0o755)),
        entrypoint=("/usr/sbin/keepalived",),
        user=_ROOT,
    )


def _static(name: str, tag: str, path: str | None = None, entrypoint: tuple[str, ...] = (), user: str = _ROOT) -> Image:
    return Image(
        name=name,
        version=tag,
        layers=(GoBinary(name, path),),
        base="scratch",
        entrypoint=entrypoint,
        user=user,
        tag="fixed",
    )


def _version(tool: str) -> str:
    spec = BY_NAME[tool]
    if not isinstance(spec, GoTool):
        raise TypeError(f"{tool} is no Go tool")
    return spec.version
