"""Reading kubeconfigs of clusters that are there already."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from infra.clusters.errors import ClusterError
from infra.clusters.existing import endpoints, existing_cluster, single_context

CONFIG: dict[str, Any] = {
    "current-context": "blue",
    "contexts": [
        {"name": "blue", "context": {"cluster": "c1", "user": "u1", "namespace": "n"}},
        {"name": "red", "context": {"cluster": "c2", "user": "u2"}},
        {"name": "torn", "context": {"cluster": "gone", "user": "u1"}},
    ],
    "clusters": [
        {"name": "c1", "cluster": {"server": "https://one", "certificate-authority": "ca.crt"}},
        {"name": "c2", "cluster": {"server": "https://two"}},
    ],
    "users": [{"name": "u1", "user": {"token": "t1"}}, {"name": "u2", "user": {"client-key": "nothing.key"}}],
}


def test_one_context_is_taken_out_and_made_complete(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("PEM")
    found = single_context(CONFIG, None, tmp_path)
    assert found["clusters"][0]["cluster"] == {
        "server": "https://one",
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
    }
    assert found["users"] == [{"name": "user", "user": {"token": "t1"}}]
    assert found["contexts"][0]["context"] == {"cluster": "cluster", "user": "user", "namespace": "n"}
    assert found["current-context"] == "blue"
    assert CONFIG["clusters"][0]["cluster"]["certificate-authority"] == "ca.crt"


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("green", "no context 'green'; it has: blue, red, torn"),
        ("torn", "no cluster 'gone'"),
        ("red", "nothing.key, which the kubeconfig names, can't be read"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, context: str, words: str) -> None:
    with pytest.raises(ClusterError, match=words):
        single_context(CONFIG, context, tmp_path)


def test_a_kubeconfig_without_a_current_context_needs_one() -> None:
    with pytest.raises(ClusterError, match=r"set existing\.context"):
        single_context({}, None, Path())


@pytest.mark.parametrize(
    ("content", "words"), [(None, "can't be read"), ("a: [", "not YAML"), ("text", "not a kubeconfig")]
)
def test_other_files_are_refused(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ClusterError, match=words):
        existing_cluster(str(path), None, "10.244.0.0/16", "10.96.0.0/16", "10.0.0.0/24")


def test_every_address_and_port_of_the_api_servers_counts() -> None:
    slices = [
        {"endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}], "ports": [{"port": 6443}]},
        {"endpoints": [{"addresses": ["fd00::1"]}], "ports": [{"port": 443}]},
        {"endpoints": None, "ports": None},
    ]
    assert endpoints(slices) == ("10.0.0.1:6443", "10.0.0.2:6443", "[fd00::1]:443")
