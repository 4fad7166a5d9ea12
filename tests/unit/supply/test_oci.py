from __future__ import annotations

import hashlib
import json

from components.images import GoBinary, Image, PythonPackages, SourceTree
from infra.supply import oci
from infra.supply.model import Blob, BuiltImage

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
LAYERS = [Blob("sha256:aa", 10), Blob("sha256:bb", 20)]


def test_a_tag_from_content_holds_the_version_and_a_part_of_the_digest() -> None:
    assert oci.reference(Image("tracking", "3.17.2", ()), "registry.mlp.internal/", DIGEST) == (
        "registry.mlp.internal/tracking:3.17.2-0123456789ab"
    )


def test_a_fixed_tag_is_the_version_alone() -> None:
    image = Image("kube-apiserver", "v1.36.3", (), tag="fixed")
    assert (
        oci.reference(image, "registry.example.com/mlp/", DIGEST) == "registry.example.com/mlp/kube-apiserver:v1.36.3"
    )


def test_the_configuration_says_who_runs_what_on_which_layers() -> None:
    image = Image(
        name="web",
        version="1",
        layers=(GoBinary("web"),),
        base="scratch",
        entrypoint=("/web",),
        command=("--port", "80"),
        env={"B": "2", "A": "1"},
        user="1000:1000",
        workdir="/srv",
    )
    assert json.loads(oci.config(image, LAYERS, "amd64")) == {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {
            "User": "1000:1000",
            "Env": ["A=1", "B=2", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "WorkingDir": "/srv",
            "Labels": {"org.opencontainers.image.title": "web", "org.opencontainers.image.version": "1"},
            "Entrypoint": ["/web"],
            "Cmd": ["--port", "80"],
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:aa", "sha256:bb"]},
    }


def test_images_with_python_code_find_it_and_an_image_has_the_last_word() -> None:
    found = oci.environment(Image("a", "1", (PythonPackages("lock"),), env={"PYTHONUNBUFFERED": "0"}))
    assert found["PYTHONPATH"] == "/opt/python"
    assert found["PATH"].startswith("/opt/python/bin:/usr/local/sbin:")
    assert found["PYTHONUNBUFFERED"] == "0"
    assert "PYTHONPATH" in oci.environment(Image("a", "1", (SourceTree(("components",)),)))
    assert "PYTHONPATH" not in oci.environment(Image("a", "1", (GoBinary("a"),)))


def test_a_manifest_names_its_blobs_by_size_and_digest() -> None:
    assert json.loads(oci.manifest(Blob("sha256:cc", 5), LAYERS)) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:cc", "size": 5},
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:aa", "size": 10},
            {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:bb", "size": 20},
        ],
    }


def test_the_index_names_images_as_containerd_imports_them() -> None:
    image = BuiltImage("web", "registry.mlp.internal/web:1-ab", Blob(DIGEST, 7), Blob("sha256:cc", 5), ())
    (entry,) = json.loads(oci.index([image], "amd64"))["manifests"]
    assert entry == {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": DIGEST,
        "size": 7,
        "platform": {"architecture": "amd64", "os": "linux"},
        "annotations": {
            "io.containerd.image.name": "registry.mlp.internal/web:1-ab",
            "org.opencontainers.image.ref.name": "1-ab",
        },
    }


def test_equal_documents_have_equal_bytes() -> None:
    assert oci.dump({"b": 1, "a": [1, 2]}) == b'{"a":[1,2],"b":1}'
    image = Image("web", "1", (), env={"A": "1", "B": "2"})
    other = Image("web", "1", (), env={"B": "2", "A": "1"})
    assert hashlib.sha256(oci.config(image, LAYERS, "amd64")).digest() == (
        hashlib.sha256(oci.config(other, LAYERS, "amd64")).digest()
    )
