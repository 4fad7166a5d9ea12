"""Waiting for rights on a real API server: they come late, or never."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import yaml

from infra.kubectl import Kubectl
from infra.lifecycle.errors import LifecycleError
from infra.lifecycle.reach import wait_for_rights
from tests.servers.binaries import find
from tests.servers.kubernetes import KubernetesServer

pytestmark = pytest.mark.contract
_BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


def as_newcomer(server: KubernetesServer, folder: Path, name: str) -> Kubectl:
    """kubectl as a service account that may nothing yet."""
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": name}})
    token = server.request(
        "POST", f"/api/v1/namespaces/default/serviceaccounts/{name}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )["status"]["token"]  # fmt: skip
    document = yaml.safe_load(server.kubeconfig.read_text())
    document["users"] = [{"name": document["users"][0]["name"], "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return Kubectl(find("kubectl"), path)


def test_rights_that_come_late_are_waited_for(
    kubernetes_server: KubernetesServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.lifecycle.reach._EVERY", 0.1)
    kubectl, said = as_newcomer(kubernetes_server, tmp_path, "late"), []
    first = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        first.set()

    def grant() -> None:
        first.wait(30)
        kubernetes_server.request(
            "POST",
            _BINDING,
            {
                "metadata": {"name": "late"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "ServiceAccount", "name": "late", "namespace": "default"}],
            },
        )

    thread = threading.Thread(target=grant)
    thread.start()
    wait_for_rights(kubectl, say, seconds=60)
    thread.join()
    assert said[0].startswith("waiting until the cluster lets you in:")
    assert "forbidden" in said[0]


def test_rights_that_never_come_end_the_wait_with_the_answer(
    kubernetes_server: KubernetesServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.lifecycle.reach._EVERY", 0.1)
    kubectl = as_newcomer(kubernetes_server, tmp_path, "never")
    with pytest.raises(LifecycleError, match=r"does not let you make namespaces; it says:.*forbidden"):
        wait_for_rights(kubectl, lambda _: None, seconds=0.5)
