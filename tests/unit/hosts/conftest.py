"""A host as the tests describe it."""

from __future__ import annotations

import pytest

from infra.hosts.model import Forward, HostSpec, Peer, Target


@pytest.fixture
def spec() -> HostSpec:
    return HostSpec(
        installation="trial",
        name="node2",
        address="10.250.0.2",
        peers=(Peer("node1", "10.250.0.1"), Peer("node2", "10.250.0.2")),
        nodes="10.250.0.0/24",
        pods="10.244.0.0/16",
        services="10.96.0.0/16",
        tools={"kubelet": "/cache/kubelet", "cni/bridge": "/cache/cni/bridge"},
        forwards=(Forward("api", 16443, (Target("10.250.0.1", 6443),)),),
    )
