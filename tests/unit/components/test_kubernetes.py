"""Shared builders."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components import kubernetes as k8s
from components.database.settings import DatabaseSettings
from components.facts import Endpoint
from components.volumes.settings import VolumesSettings


def test_digest_ignores_order_and_notices_content() -> None:
    assert k8s.digest({"a": 1, "b": 2}) == k8s.digest({"b": 2, "a": 1})
    assert k8s.digest({"a": 1}) != k8s.digest({"a": 2})
    assert k8s.digest("a", "b") != k8s.digest("ab")


def test_api_server_rules_name_addresses_and_ports() -> None:
    rules = k8s.to_api_server(["10.250.0.1:6443", "[fd00::1]:443", "10.40.224.0/22:443"])
    assert [rule["to"][0]["ipBlock"]["cidr"] for rule in rules] == ["10.250.0.1/32", "fd00::1/128", "10.40.224.0/22"]
    assert [rule["ports"] for rule in rules] == [k8s.ports(6443), k8s.ports(443), k8s.ports(443)]


def test_peer_joins_namespace_and_pods_in_one_item() -> None:
    endpoint = Endpoint(url="http://x", namespace="ns", pod_labels={"a": "b"}, port=1)
    assert k8s.to_endpoint(endpoint) == {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ns"}},
                "podSelector": {"matchLabels": {"a": "b"}},
            }
        ],
        "ports": [{"port": 1, "protocol": "TCP"}],
    }


@pytest.mark.parametrize("value", ["0", "-1Gi", "1 Gi", "10GB", "", "1Gi;x", "lots"])
def test_quantities_are_checked(value: str) -> None:
    with pytest.raises(ValidationError, match="Kubernetes quantity"):
        DatabaseSettings(storage=value)


@pytest.mark.parametrize("path", ["/", "/var", "relative/path", "/var/../etc/x", "/var//x", "/var/lib/", "/var/./x"])
def test_volumes_never_own_a_folder_of_others(path: str) -> None:
    with pytest.raises(ValidationError, match="at least two folders"):
        VolumesSettings(path=path)
