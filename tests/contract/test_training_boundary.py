"""What training's controllers may do with a token of theirs, on a real API server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from components.training import COMPONENT
from components.training.names import CONTROLLERS, NAMESPACE, OPERATOR, TRAINER
from tests.contract.reconcile.world import until
from tests.servers.installs import install
from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer

pytestmark = pytest.mark.contract

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts",
    "ClusterRole": f"{_RBAC}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
    "ValidatingAdmissionPolicy": f"{_ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{_ADMISSION}/validatingadmissionpolicybindings",
}
"""What of the component decides: who its controllers are, their rights, and the bounds."""


@dataclass(frozen=True)
class Place:
    server: KubernetesServer
    workspace: str
    elsewhere: str

    def attempt(self, account: str, path: str, body: dict[str, Any]) -> str:
        """The refusal's words; empty where it is allowed."""
        token = self.server.service_account_token(NAMESPACE, account)
        try:
            self.server.request("POST", path, body, token=token)
        except KubernetesRequestFailed as error:
            return str(error)
        return ""

    def make(self, account: str, kind: str, namespace: str) -> str:
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"generateName": "x-"}}
        if kind == "Pod":
            body["spec"] = {"containers": [{"name": "main", "image": "registry.mlp.local/workspace:1"}]}
        return self.attempt(account, f"/api/v1/namespaces/{namespace}/{kind.lower()}s?dryRun=All", body)


@pytest.fixture(scope="module")
def place(kubernetes_server: KubernetesServer) -> Place:
    for obj in COMPONENT.objects(COMPONENT.settings(), install()):
        if path := _PATHS.get(obj["kind"]):
            query = "?fieldManager=test&force=true"
            kubernetes_server.request(
                "PATCH", f"{path}/{obj['metadata']['name']}{query}", obj, content_type="application/apply-patch+yaml"
            )
    mark = secrets.token_hex(4)
    workspace, elsewhere = f"workspace-{mark}", f"elsewhere-{mark}"
    for name, labels in ((workspace, {"mlp.io/tenant": "acme"}), (elsewhere, {})):
        kubernetes_server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    made = Place(kubernetes_server, workspace, elsewhere)
    for account, kind in ((TRAINER, "ConfigMap"), (OPERATOR, "Pod")):
        until(
            f"the boundary acts, and {account} has its rights",
            lambda a=account, k=kind: "training-controllers" in made.make(a, k, elsewhere),  # type: ignore[misc]
        )
    return made


@pytest.mark.parametrize("namespace", ["default", "kube-system", "elsewhere"])
def test_outside_of_workspaces_nothing_is_written(place: Place, namespace: str) -> None:
    where = place.elsewhere if namespace == "elsewhere" else namespace
    for account, kind in ((TRAINER, "Secret"), (TRAINER, "ConfigMap"), (OPERATOR, "Pod"), (OPERATOR, "ServiceAccount")):
        assert "write in workspaces only (rule: training-controllers)" in place.make(account, kind, where)


def test_inside_they_do_their_work(place: Place) -> None:
    for account, kind in ((TRAINER, "Secret"), (TRAINER, "ConfigMap"), (OPERATOR, "ServiceAccount")):
        assert place.make(account, kind, place.workspace) == ""


def test_a_right_that_is_held_to_be_given_is_never_used(place: Place) -> None:
    path = f"/api/v1/namespaces/{place.workspace}/pods/any/exec?command=id&stdout=true"
    assert "do not enter pods (rule: training-controllers)" in place.attempt(OPERATOR, path, {})


@pytest.mark.parametrize("account", CONTROLLERS)
def test_nobody_gives_rights_beyond_ones_own(place: Place, account: str) -> None:
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["delete"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x"}, "rules": rules}
    refused = place.attempt(account, f"{_RBAC}/namespaces/{place.workspace}/roles?dryRun=All", role)
    assert "403" in refused
