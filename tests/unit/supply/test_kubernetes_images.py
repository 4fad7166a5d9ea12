from __future__ import annotations

from infra.supply import oci, recipes
from infra.supply.kubernetes_images import kubernetes_images

EXPECTED = {
    "registry.mlp.internal/kube-apiserver:v1.36.3",
    "registry.mlp.internal/kube-controller-manager:v1.36.3",
    "registry.mlp.internal/kube-scheduler:v1.36.3",
    "registry.mlp.internal/kube-proxy:v1.36.3",
    "registry.mlp.internal/coredns:v1.15.0",
    "registry.mlp.internal/pause:3.10.2",
    "registry.mlp.internal/etcd:3.6.16-0",
}
"""`kubeadm config images list` of 1.36.3 with our imageRepository and tags."""


def test_the_names_are_those_that_kubeadm_asks_for() -> None:
    assert {oci.reference(image, "registry.mlp.internal/", "sha256:0") for image in kubernetes_images()} == EXPECTED


def test_they_can_be_built_and_run_with_the_rights_that_kubeadm_assumes() -> None:
    images = {image.name: image for image in kubernetes_images()}
    for image in images.values():
        recipes.check(image)
    assert {name for name, image in images.items() if image.user != "0:0"} == {"pause"}
    assert {name for name, image in images.items() if image.base == "debian"} == {"kube-proxy"}
