"""The test API server itself: identities, sharing, teardown."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.binaries import find
from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer, kubernetes

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[3]


def kubectl(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find("kubectl"), f"--kubeconfig={kubeconfig}", *arguments], capture_output=True, text=True, check=False
    )


def test_any_user_and_groups_can_be_made_and_rbac_decides(kubernetes_server: KubernetesServer) -> None:
    somebody = kubernetes_server.kubeconfig_for("somebody", ["tenant:a:admin"])
    said = kubectl(somebody, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}")
    assert said.stdout == 'somebody ["tenant:a:admin","system:authenticated"]'
    assert "forbidden" in kubectl(somebody, "get", "secrets").stderr.lower()
    assert kubectl(kubernetes_server.kubeconfig, "get", "secrets").returncode == 0


def test_a_service_account_token_is_that_account(kubernetes_server: KubernetesServer) -> None:
    namespace = kubernetes_server.create_namespace("accounts")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner"}}
    kubernetes_server.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    token = kubernetes_server.service_account_token(namespace, "runner")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = kubernetes_server.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, token=token)
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:runner"
    with pytest.raises(KubernetesRequestFailed) as refused:
        kubernetes_server.request("GET", "/api/v1/nodes", token=token)
    assert refused.value.status == 403


def test_one_folder_is_one_server_for_all_and_ends_with_its_last_user(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    other = (
        "import sys; from pathlib import Path; from tests.servers.kubernetes import kubernetes\n"
        "with kubernetes(Path(sys.argv[1])) as server: print(server.url, flush=True); sys.stdin.read()"
    )
    with kubernetes(folder) as server:
        second = subprocess.Popen(
            [sys.executable, "-c", other, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert second.stdout
        assert second.stdout.readline().strip() == server.url
    try:
        assert server.request("GET", "/version")["major"] == "1"
    finally:
        # The last user dies without a word.
        second.kill()
        second.communicate()
    deadline = time.monotonic() + 60
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
