"""Descriptions of hosts: what is refused, what survives writing, what needs a restart."""

from __future__ import annotations

import dataclasses

import pytest

from infra.hosts.errors import InvalidHost
from infra.hosts.model import Forward, HostSpec, Peer, Target, dump, fingerprint, load, validate


def test_a_description_survives_writing_and_reading(spec: HostSpec) -> None:
    full = dataclasses.replace(spec, folders=("/cache/lib",), env={"A": "b"}, files={"/etc/x": "y"}, cpus=1.5)
    assert load(dump(full)) == full


def test_a_good_description_passes(spec: HostSpec) -> None:
    validate(spec)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Node"}, "host name 'Node'"),
        ({"installation": "../etc"}, "installation name '../etc'"),
        ({"pods": "10.96.4.0/24"}, "overlap"),
        ({"nodes": "10.250.0.0/33"}, "10.250.0.0/33"),
        ({"address": "10.250.0.9"}, "not in its own list"),
        ({"peers": (Peer("node2", "10.251.0.2"),), "address": "10.251.0.2"}, "address of its own in 10.250.0.0/24"),
        ({"peers": (Peer("node1", "10.250.0.2"), Peer("node2", "10.250.0.2"))}, "address of its own"),
        ({"forwards": (Forward("a", 1, (Target("x", 1),)), Forward("b", 1, (Target("x", 1),)))}, "port of its own"),
        ({"forwards": (Forward("a", 8443, ()),)}, "and a target"),
        ({"tools": {"kubelet": "kubelet"}}, "kubelet needs an absolute path"),
        ({"folders": ("lib",)}, "lib needs an absolute path"),
    ],
)
def test_nonsense_is_refused_by_name(spec: HostSpec, change: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidHost, match=words):
        validate(dataclasses.replace(spec, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "node1"}', '{"peers": 1, "forwards": []}'])
def test_other_files_are_not_taken_for_descriptions(text: str) -> None:
    with pytest.raises(InvalidHost):
        load(text)


def test_changed_forwards_need_no_restart_and_changed_tools_do(spec: HostSpec) -> None:
    assert fingerprint(dataclasses.replace(spec, forwards=())) == fingerprint(spec)
    assert fingerprint(dataclasses.replace(spec, tools={"kubelet": "/cache/newer"})) != fingerprint(spec)


def test_the_first_peer_carries_the_switch(spec: HostSpec) -> None:
    assert not spec.carries_switch
    assert dataclasses.replace(spec, name="node1", address="10.250.0.1").carries_switch
