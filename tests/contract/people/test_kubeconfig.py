"""kubectl as a member of a tenant uses it, with what `platform kubeconfig` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.people.conftest import Front
from tests.contract.people.desk import Desk
from tests.servers.gateway import program

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(300),
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]


def _user(config: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(config.read_text())["users"][0]["user"]
    return found


def test_kubectl_works_with_the_sign_in(front: Front, desk: Desk) -> None:
    config, _ = desk.kubeconfig("--workspace", f"{front.tenant}/lab")
    assert desk.environment["MLP_TOKEN"] not in config.read_text()
    made = desk.folder / "settings.yaml"
    made.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": {}}))

    def kubectl(*words: str) -> str:
        done = desk.kubectl(config, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "configmap/s serverside-applied" in kubectl("apply", "--server-side", "-f", str(made))
    assert "configmap/s configured" in kubectl("apply", "-f", str(made))
    assert kubectl("get", "configmaps", "-o", "name").split() >= ["configmap/kube-root-ca.crt", "configmap/s"]
    assert "mlp:person" in kubectl("auth", "whoami")
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    assert desk.kubectl(config, "auth", "can-i", "create", "nodes").stdout.strip() == "no"
    assert "deployments" in kubectl("api-resources", "--api-group=apps")
    assert "FIELD" in kubectl("explain", "job.spec.suspend")
    assert 'configmap "s" deleted' in kubectl("delete", "configmap", "s")
    refused = desk.kubectl(config, "get", "pods", "-n", front.foreign)
    assert 'Error from server (Forbidden): pods is forbidden: User "mlp:person" cannot list' in refused.stderr
    elsewhere = desk.kubectl(config, "get", "pods", MLP_URL="https://other.example.com")
    assert "You are signed in at https://other.example.com" in elsewhere.stderr, "tokens go nowhere else"
    ended = desk.kubectl(config, "get", "pods", MLP_TOKEN="mlp_ended")
    assert "this needs a platform token; the one sent is unknown or has ended" in ended.stderr


def test_a_file_for_machines_holds_a_token_for_one_tenant(front: Front, desk: Desk) -> None:
    config, said = desk.kubeconfig("--workspace", f"{front.tenant}/lab", "--for", "2h")
    assert "keep it secret" in said
    assert "platform token revoke" in said
    token = _user(config)["token"]
    assert desk.kubectl(config, "get", "pods", PATH="/nowhere").returncode == 0
    assert front.send(token, "GET", "/api/v1/tenants")[0].status == 403, "it is good for the Kubernetes API alone"
    (row,) = (row for row in front.system.caller("mo").get("/tokens")["items"] if row["name"].startswith("kubeconfig"))
    assert (row["tenant"], row["scopes"]) == (front.tenant, ["kubernetes"])
    assert desk.run("platform", "token", "revoke", row["id"]).returncode == 0
    ended = desk.kubectl(config, "get", "pods").stderr
    assert "logged in to the server (this needs a platform token; the one sent is unknown or has ended)" in ended


def test_a_file_can_name_the_tokens_file(front: Front, desk: Desk) -> None:
    (desk.folder / "token").write_text(desk.environment["MLP_TOKEN"])
    config, _ = desk.kubeconfig("--workspace", f"{front.tenant}/lab", "--token-file", str(desk.folder / "token"))
    assert _user(config) == {"tokenFile": str(desk.folder / "token")}
    assert desk.kubectl(config, "get", "pods", PATH="/nowhere").returncode == 0


def test_wrong_use_is_told(front: Front, desk: Desk) -> None:
    for words in (
        ["--for", "2h"], ["--workspace", "lab"], ["--workspace", "a/b", "--for", "2h", "--token-file", "x"],
        ["--workspace", f"{front.tenant}/lab", "--for", "soon"],
    ):  # fmt: skip
        assert desk.run("platform", "kubeconfig", *words).returncode == 2, words
    foreign = desk.run("platform", "kubeconfig", "--workspace", f"{front.other}/lab")
    assert (foreign.returncode, foreign.stdout) == (1, "")


def test_the_api_gives_it_without_a_secret_to_who_may_see_the_workspace(front: Front) -> None:
    vi = front.system.caller("vi")
    config = vi.get(f"/tenants/{front.tenant}/workspaces/lab/kubeconfig")
    assert config["clusters"][0]["cluster"]["server"] == f"https://localhost:{front.gateway.port}/kubernetes"
    assert config["contexts"][0]["context"]["namespace"] == front.namespace
    assert config["users"][0]["user"]["exec"]["args"][:2] == ["token", "credential"]
    assert vi.secret not in str(config)
    vi.get(f"/tenants/{front.other}/workspaces/lab/kubeconfig", 404)
    vi.get(f"/tenants/{front.tenant}/workspaces/none/kubeconfig", 404)
