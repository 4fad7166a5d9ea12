"""The version list: what tools print, which versions will do, and that the pinned modules agree with it."""

from __future__ import annotations

import re

import pytest

from infra.toolchain import golang, versions
from infra.toolchain.versions import BY_NAME, TOOLS, DebianTool, GoTool
from tests.tools import modules

GO_TOOLS = [spec for spec in TOOLS if isinstance(spec, GoTool)]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Kubernetes v1.36.3", "1.36.3"),
        ("Client Version: v1.36.3\nKustomize Version: v5.8.1", "1.36.3"),
        ("Kubernetes v1.36.3-rc.1", "1.36.3-rc.1"),
        ("Kubernetes v1.36.3+k3s1", "1.36.3+k3s1"),
        ("etcd Version: 3.6.16\nGit SHA: Not provided\nGo Version: go1.26.8", "3.6.16"),
        ("CoreDNS-1.15.0\nlinux/amd64, go1.26.8, ", "1.15.0"),
        ("Version  : v1.8.0\nBuild    : norev", "1.8.0"),
        ("local-path-provisioner version v0.0.30", "0.0.30"),
        ("argoexec: v3.7.0", "3.7.0"),
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3", "1.6.20~ds1"),
        ("runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1", "1.1.5+ds1"),
        ("iptables v1.8.9 (nf_tables)", "1.8.9"),
        ("ipset v7.17, protocol version: 7", "7.17"),
        ("nftables v1.0.6 (Lester Gooch #5)", "1.0.6"),
        ("ethtool version 6.1", "6.1"),
        ("ip utility, iproute2-6.1.0, libbpf 1.1.2", "6.1.0"),
        ("socat by Gerhard Rieger and contributors\nsocat version 1.7.4.4 on 06 Nov 2022", "1.7.4.4"),
        ("flag provided but not defined: -version", None),
        ("", None),
    ],
)
def test_version_in_recorded_outputs(said: str, version: str | None) -> None:
    assert versions.version_in(said) == version


def test_a_version_in_the_programs_own_path_does_not_count() -> None:
    path = "/cache/tools/kube-router/9.9.9/kube-router"

    assert versions.version_in(f"Running {path} version v2.1.0, built on , go1.26.8", path) == "2.1.0"


@pytest.mark.parametrize(
    ("name", "version", "will_do"),
    [
        ("kubectl", "1.36.3", True),
        ("kubectl", "1.36.4", False),
        ("kubectl", "1.36.3-rc.1", False),
        ("kubectl", "1.36", False),
        ("containerd", "1.6.20~ds1", True),
        ("containerd", "1.7.24", True),
        ("containerd", "1.5.9", False),
        ("containerd", "2.0.0", False),
        ("conntrack", "1:1.4.7-1+b2", True),
        ("ipset", "6.38", False),
        ("ethtool", "6.1", True),
        ("ethtool", "unknown", False),
    ],
)
def test_satisfies(name: str, version: str, will_do: bool) -> None:
    assert versions.satisfies(BY_NAME[name], version) is will_do


@pytest.mark.parametrize("spec", GO_TOOLS, ids=lambda spec: spec.name)
def test_each_go_tool_is_pinned_by_its_module(spec: GoTool) -> None:
    pinned = (golang.MODULES / spec.module / "go.mod").read_text()
    directive = re.search(r"^go (\S+)$", pinned, re.M)

    assert directive
    assert versions.numbers(directive.group(1)) <= versions.numbers(golang.MINIMUM)
    if spec.module == spec.name == "pause":
        return
    assert re.search(rf"^(?:tool )?\s*{re.escape(spec.package)}$", pinned, re.M), "no tool line"
    required = dict(re.findall(r"^(?:require )?\s*(\S+) (v\S+)(?: // indirect)?$", pinned, re.M))
    module = max((path for path in required if f"{spec.package}/".startswith(f"{path}/")), key=len)
    assert required[module] == f"v{spec.version}"
    assert f"{module} v{spec.version} h1:" in (golang.MODULES / spec.module / "go.sum").read_text()


def test_kubernetes_parts_are_all_of_one_release() -> None:
    pinned = (golang.MODULES / "kubernetes" / "go.mod").read_text()
    replaced = re.findall(r"^\tk8s\.io/(\S+) => k8s\.io/(\S+) (\S+)$", pinned, re.M)

    assert len(replaced) > 25
    assert {(left == right, version) for left, right, version in replaced} == {
        (True, f"v0.{versions.KUBERNETES_VERSION.split('.', 1)[1]}")
    }


def test_the_profile_offers_the_version_that_is_built() -> None:
    from infra.profile.model import KUBERNETES_VERSION

    assert f"v{versions.KUBERNETES_VERSION}" == KUBERNETES_VERSION


def test_every_entry_names_its_licence_and_a_measured_time() -> None:
    for spec in TOOLS:
        assert spec.licence
        assert spec.kind == "venv" or spec.seconds > 0
        assert not isinstance(spec, DebianTool) or not spec.below or spec.at_least < spec.below
    assert len(BY_NAME) == len(TOOLS)


@pytest.mark.parametrize("module", modules.CLIENTS)
def test_libraries_that_tools_share_are_compiled_once(module: str) -> None:
    assert modules.required(module).keys() & modules.required(modules.CLUSTER), "they have nothing in common"
    assert not modules.differing(module), "run make modules"
