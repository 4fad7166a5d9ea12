"""What single resources decide without touching a host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infra.hosts import images
from infra.hosts.errors import HostError
from infra.hosts.model import validate
from infra.hosts.node import blocker, discovery
from infra.providers.hosts.control_plane import other_planes, own_plane, wanted_of
from infra.providers.hosts.host import may_raise_limits, spec_of
from infra.providers.hosts.host_images import built, superseded
from infra.providers.hosts.models import ControlPlaneInputs, HostImagesInputs, HostInputs, ImageInput, NodeInputs
from infra.providers.hosts.provider import RESOURCES, differences
from infra.providers.hosts.resource import Teardown, teardown
from infra.supply.given import take
from infra.supply.store import BlobStore
from tests.unit.supply.layouts import ctr_export


def _images(*references: str) -> HostImagesInputs:
    return HostImagesInputs(
        installation="trial",
        host="node1",
        store="/cache/images",
        architecture="amd64",
        images=tuple(ImageInput(name="x", reference=name, digest="sha256:0", size=1) for name in references),
    )


def test_an_image_that_is_no_longer_listed_goes_one_change_later() -> None:
    first = _images("a:1", "b:1")
    second = _images("a:2", "b:1")
    remove, keep = superseded(first.properties(), second)
    assert (remove, keep) == ([], ["a:1"])
    again = superseded({**second.properties(), "superseded": keep}, second)
    assert again == ([], ["a:1"])
    third = superseded({**second.properties(), "superseded": keep}, _images("a:3", "b:1"))
    assert third == (["a:1"], ["a:2"])


def test_an_image_that_comes_back_is_kept() -> None:
    old = {**_images("a:2").properties(), "superseded": ["a:1"]}
    assert superseded(old, _images("a:1")) == ([], ["a:2"])


def test_only_missing_or_changed_images_are_brought() -> None:
    listing = (
        "REF TYPE DIGEST STATUS SIZE UNPACKED\n"
        "r/a:1 application/vnd.oci.image.manifest.v1+json sha256:aa complete (4/4) 1.2 MiB/1.2 MiB true\n"
        "r/b:1 application/vnd.oci.image.manifest.v1+json sha256:bb complete (2/2) 1.2 MiB/1.2 MiB true\n"
        "r/d:1 application/vnd.oci.image.manifest.v1+json sha256:dd incomplete (1/2) 0.2 MiB/1.2 MiB false\n"
    )
    there = images.parse_check(listing)
    assert there == {"r/a:1": "sha256:aa", "r/b:1": "sha256:bb"}
    wanted = [("r/a:1", "sha256:aa"), ("r/b:1", "sha256:changed"), ("r/c:1", "sha256:cc"), ("r/d:1", "sha256:dd")]
    assert images.missing(wanted, there) == ("r/b:1", "r/c:1", "r/d:1")


def test_an_image_is_found_in_the_store_by_its_manifest(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "images")
    (given,) = take(store, ctr_export(tmp_path / "app.tar"), "registry.example.com/", "amd64")
    image = given.image
    size = image.manifest.size
    wanted = ImageInput(name=image.name, reference=image.reference, digest=image.digest, size=size)
    assert built(store, wanted) == image
    store.path(image.digest).write_bytes(b"x" * size)
    with pytest.raises(HostError, match="did not match its digest"):
        built(store, wanted)
    with pytest.raises(HostError, match="makes it again"):
        built(store, wanted)


def test_host_inputs_become_a_valid_description() -> None:
    inputs = HostInputs.model_validate(
        {
            "installation": "trial",
            "host": "node1",
            "address": "10.250.0.1",
            "peers": [{"name": "node1", "address": "10.250.0.1"}],
            "nodes": "10.250.0.0/24",
            "pods": "10.244.0.0/16",
            "services": "10.96.0.0/16",
            "tools": {"kubelet": "/cache/kubelet"},
            "sandboxImage": "r/pause:1",
            "forwards": [{"name": "api", "port": 16443, "targets": [{"address": "10.250.0.1", "port": 6443}]}],
        }
    )
    spec = spec_of(inputs, restrict_oom_score=True)
    validate(spec)
    assert spec.carries_switch
    assert "restrict_oom_score_adj = true" in spec.files["/etc/containerd/config.toml"]


@pytest.mark.parametrize(
    ("capabilities", "allowed"), [("000001ffffffffff", True), ("000001fffeffffff", False), ("0", False)]
)
def test_the_capability_to_lower_oom_scores_is_read_from_the_process(capabilities: str, allowed: bool) -> None:
    assert may_raise_limits(f"Name:\tpython\nCapPrm:\tffffffffff\nCapEff:\t{capabilities}\n") is allowed


def test_a_node_that_only_lacks_the_pod_network_is_good_enough() -> None:
    assert blocker(None) == "it has not registered"
    assert blocker({}) == "kubelet has not reported"
    assert blocker({"Ready": ("True", "kubelet is posting ready status")}) is None
    waiting = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:..."
    assert blocker({"Ready": ("False", waiting)}) is None
    assert blocker({"Ready": ("False", "PLEG is not healthy")}) == "PLEG is not healthy"
    assert blocker({"Ready": ("Unknown", "")}) == "it is not ready and gives no reason"


def test_joining_trusts_the_given_authority_only() -> None:
    made = discovery("https://10.250.0.1:6443", "Y2E=", "abcdef.0123456789abcdef")
    assert made["clusters"][0]["cluster"] == {
        "server": "https://10.250.0.1:6443",
        "certificate-authority-data": "Y2E=",
    }


def test_every_resource_replaces_only_inputs_that_it_has() -> None:
    for resource in RESOURCES.values():
        names = {field.alias for field in resource.inputs.model_fields.values()}
        assert resource.replaces <= names
        assert not names & set(resource.outputs)


def test_the_kind_of_teardown_is_one_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLP_TEARDOWN", raising=False)
    assert teardown() == Teardown.NO
    monkeypatch.setenv("MLP_TEARDOWN", "keep-data")
    assert teardown() == Teardown.KEEP_DATA
    monkeypatch.setenv("MLP_TEARDOWN", "yes")
    with pytest.raises(ValueError, match="yes"):
        teardown()


_PLANE = {
    "installation": "trial",
    "host": "node1",
    "address": "10.250.0.1",
    "cgroupRoot": "/mlp-trial-node1",
    "clusterName": "mlp-trial",
    "kubernetesVersion": "v1.36.3",
    "registry": "registry.mlp.internal",
    "etcdTag": "3.6.16-0",
    "dnsTag": "v1.15.0",
    "pods": "10.244.0.0/16",
    "services": "10.96.0.0/16",
    "server": "https://127.0.0.1:16443",
}
_PLANES = [{"name": f"node{index}", "address": f"10.250.0.{index}"} for index in (1, 2, 3)]
_VIRTUAL = {"address": "10.250.0.100", "image": "r/keepalived:1"}


def test_a_cluster_with_one_control_plane_has_the_inputs_that_it_always_had() -> None:
    plane = ControlPlaneInputs.model_validate(_PLANE).properties()
    assert set(plane) == {*_PLANE, "base", "apiNames", "tainted", "upstreamDns", "dnsReplicas"}
    node = {"installation": "trial", "host": "node2", "address": "10.250.0.2", "cgroupRoot": "/x"}
    first = {**node, "controlPlane": "node1", "controlPlaneAddress": "10.250.0.1"}
    assert set(NodeInputs.model_validate(first).properties()) == {*first, "base"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"controlPlanes": _PLANES}, "several control planes need a virtual address"),
        ({"controlPlanes": _PLANES[1:], "virtual": _VIRTUAL}, "must name node1"),
        ({"virtual": {**_VIRTUAL, "router": 256}}, "less than or equal to 255"),
    ],
)
def test_control_planes_that_could_not_work_together_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ControlPlaneInputs.model_validate({**_PLANE, **given})


def test_a_node_is_told_of_one_control_plane_or_of_several() -> None:
    node = {
        "installation": "trial",
        "host": "w",
        "address": "10.250.0.9",
        "cgroupRoot": "/",
        "controlPlaneAddress": "a",
    }
    for given in ({}, {"controlPlane": "node1", "controlPlanes": _PLANES}, {"controlPlanes": []}):
        with pytest.raises(ValidationError, match="either controlPlane or controlPlanes"):
            NodeInputs.model_validate({**node, **given})


def test_several_control_planes_are_alike_but_for_their_own_host() -> None:
    inputs = ControlPlaneInputs.model_validate({**_PLANE, "controlPlanes": _PLANES, "virtual": _VIRTUAL})
    wanted = wanted_of(inputs)
    assert wanted.cluster.endpoint == "10.250.0.100"
    assert wanted.virtual is not None
    assert wanted.virtual.number == 100
    assert own_plane(inputs).server == "https://10.250.0.1:6443"
    assert [(plane.name, plane.address) for plane in other_planes(inputs)] == [
        ("node2", "10.250.0.2"),
        ("node3", "10.250.0.3"),
    ]
    alone = ControlPlaneInputs.model_validate(_PLANE)
    assert wanted_of(alone).cluster.endpoint == ""
    assert other_planes(alone) == ()


def test_a_list_of_control_planes_that_changes_replaces_nothing() -> None:
    resource = RESOURCES["hosts:index:ControlPlane"]
    old = ControlPlaneInputs.model_validate({**_PLANE, "controlPlanes": _PLANES, "virtual": _VIRTUAL}).properties()
    changed, replaces = differences(resource, old, {**old, "controlPlanes": _PLANES[:1]})
    assert (changed, replaces) == (["controlPlanes"], [])
