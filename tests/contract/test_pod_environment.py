"""Pods of workspaces are completed as they are made: environment, identity, token, security context."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from components.contract import KubernetesObject
from components.isolation.policies.defaults import pod_defaults
from components.names import LABEL_TENANT
from components.tracking.environment import pod_environment
from components.tracking.workspace import FOLDER, workload_volume
from components.training.launcher import launcher_storage
from tests.contract.reconcile.world import until
from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer

pytestmark = pytest.mark.contract

_API = "/apis/admissionregistration.k8s.io/v1"
_IMAGE = "registry.mlp.local/workspace:1"
_MOUNT = {"name": "mlp", "mountPath": FOLDER, "readOnly": True}
_SOURCES = [
    {"configMapRef": {"name": "mlflow", "optional": True}},
    {"configMapRef": {"name": "storage", "optional": True}},
    {"secretRef": {"name": "storage", "optional": True}},
]
_IMAGE_VARIABLE = {"name": "MLP_IMAGE", "value": _IMAGE}
_RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class Place:
    """Two namespaces at level restricted, one of them a tenant's; both policies act on whatever is a tenant's here."""

    server: KubernetesServer
    workspace: str
    elsewhere: str

    def create(self, namespace: str | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> Any:
        """The spec of a pod as the API server keeps it."""
        metadata: dict[str, Any] = {"generateName": "try-", "annotations": annotations or {}}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [main()]} | spec}
        return self.server.request("POST", f"/api/v1/namespaces/{namespace or self.workspace}/pods", body)["spec"]


def main(**changes: Any) -> dict[str, Any]:
    return {"name": "main", "image": _IMAGE} | changes


def _only_here(obj: KubernetesObject, mark: str) -> KubernetesObject:
    """The same policy under a name of its own, bound to this test's namespaces: others share the server."""
    made = copy.deepcopy(obj)
    made["metadata"]["name"] += f"-{mark}"
    if made["kind"].endswith("Binding"):
        made["spec"]["policyName"] += f"-{mark}"
        made["spec"]["matchResources"]["namespaceSelector"]["matchLabels"] = {"mark": mark}
    return made


@pytest.fixture(scope="module")
def place(kubernetes_server: KubernetesServer) -> Iterator[Place]:
    server, mark = kubernetes_server, secrets.token_hex(4)
    names = (f"own-{mark}", f"elsewhere-{mark}")
    security = {"pod-security.kubernetes.io/enforce": "restricted"}
    for name, labels in zip(names, ({LABEL_TENANT: "acme"}, {}), strict=True):
        metadata = {"name": name, "labels": {**security, **labels, "mark": mark}}
        server.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        for account in ("default", "workload"):
            _apply_account(server, name, account)
    made = [
        _only_here(obj, mark)
        for policy in (pod_environment(), pod_defaults(), launcher_storage())
        for obj in policy.objects()
    ]
    paths = [
        f"{_API}/{'mutatingadmissionpolicybindings' if 'policyName' in o['spec'] else 'mutatingadmissionpolicies'}"
        for o in made
    ]
    for path, obj in zip(paths, made, strict=True):
        server.request("POST", path, obj)
    here = Place(server, *names)
    until("the policies act", lambda: _accepted(here))
    yield here
    for path, obj in zip(paths, made, strict=True):
        server.request("DELETE", f"{path}/{obj['metadata']['name']}")


def _apply_account(server: KubernetesServer, namespace: str, name: str) -> None:
    """As workspaces have them: no token by itself."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name},
        "automountServiceAccountToken": False,
    }
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}?fieldManager=test&force=true"
    server.request("PATCH", path, account, content_type="application/apply-patch+yaml")


def _accepted(place: Place) -> bool:
    """Both policies act: the pod passes pod security, and has a token."""
    try:
        return any(volume["name"] == "mlp" for volume in place.create().get("volumes", []))
    except KubernetesRequestFailed:
        return False


def test_a_bare_pod_becomes_one_that_reaches_mlflow_and_may_run(place: Place) -> None:
    made = place.create()
    assert made["serviceAccountName"] == made["serviceAccount"] == "workload"
    assert made["volumes"] == [workload_volume()]
    assert made["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = made["containers"]
    assert container["volumeMounts"] == [_MOUNT]
    assert container["envFrom"] == _SOURCES
    assert container["env"] == [_IMAGE_VARIABLE]
    assert container["securityContext"] == _RESTRICTED


def test_every_container_and_init_container_gets_the_same(place: Place) -> None:
    init = {"name": "first", "image": _IMAGE}
    made = place.create(initContainers=[init], containers=[main(), main(name="second")])
    for container in [*made["initContainers"], *made["containers"]]:
        assert container["volumeMounts"] == [_MOUNT]
        assert container["envFrom"] == _SOURCES
        assert container["env"] == [_IMAGE_VARIABLE]
        assert container["securityContext"] == _RESTRICTED


def test_completing_what_is_complete_changes_nothing(place: Place) -> None:
    first = place.create(initContainers=[{"name": "first", "image": _IMAGE}])
    assert place.create(**copy.deepcopy(first)) == first


def test_what_a_pod_says_itself_stays(place: Place) -> None:
    _apply_account(place.server, place.workspace, "mine")
    context = {
        "runAsUser": 1000,
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
    }
    mine = main(
        env=[{"name": "MLFLOW_TRACKING_URI", "value": "http://mine"}, {"name": "MLP_IMAGE", "value": "mine"}],
        envFrom=[{"configMapRef": {"name": "mine"}}, {"secretRef": {"name": "storage"}}],
        volumeMounts=[{"name": "data", "mountPath": "/data"}],
        securityContext=context,
    )
    made = place.create(
        serviceAccountName="mine",
        containers=[mine],
        volumes=[{"name": "data", "emptyDir": {}}],
        securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "Localhost", "localhostProfile": "mine"}},
    )
    assert made["serviceAccountName"] == "mine"
    assert made["volumes"] == [{"name": "data", "emptyDir": {}}, workload_volume()]
    assert made["securityContext"] == {
        "runAsNonRoot": True, "seccompProfile": {"type": "Localhost", "localhostProfile": "mine"}
    }  # fmt: skip
    (container,) = made["containers"]
    assert container["env"] == mine["env"]
    # A container reads the later source over the earlier one.
    assert container["envFrom"] == [*_SOURCES[:2], *mine["envFrom"]]
    assert container["volumeMounts"] == [*mine["volumeMounts"], _MOUNT]
    assert container["securityContext"] == context


def test_a_volume_of_the_same_name_and_a_mount_of_the_same_folder_stay(place: Place) -> None:
    other = {"name": "mlp", "emptyDir": {}}
    made = place.create(volumes=[other])
    assert made["volumes"] == [other]
    assert "volumeMounts" not in made["containers"][0]
    mine = {"name": "mine", "mountPath": FOLDER}
    made = place.create(volumes=[{"name": "mine", "emptyDir": {}}], containers=[main(volumeMounts=[mine])])
    assert made["containers"][0]["volumeMounts"] == [mine]


def test_a_pod_that_wants_nothing_gets_nothing(place: Place) -> None:
    safe = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    made = place.create(
        annotations={"mlp.io/environment": "none"},
        securityContext=safe,
        containers=[main(securityContext=_RESTRICTED)],
    )
    assert made["serviceAccountName"] == "default"
    assert "volumes" not in made
    assert made["securityContext"] == safe
    assert not {"env", "envFrom", "volumeMounts"} & set(made["containers"][0])
    with pytest.raises(KubernetesRequestFailed, match="violates PodSecurity"):
        place.create(annotations={"mlp.io/environment": "none"})
    with_another_value = place.create(annotations={"mlp.io/environment": "all"})
    assert with_another_value["serviceAccountName"] == "workload"


def test_pods_outside_of_workspaces_are_left_alone(place: Place) -> None:
    with pytest.raises(KubernetesRequestFailed, match="violates PodSecurity"):
        place.create(place.elsewhere)
    safe = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    made = place.create(place.elsewhere, securityContext=safe, containers=[main(securityContext=_RESTRICTED)])
    assert made["serviceAccountName"] == "default"
    assert not {"env", "envFrom"} & set(made["containers"][0])


@pytest.mark.parametrize(
    "context",
    [
        {"privileged": True},
        {"allowPrivilegeEscalation": True},
        {"capabilities": {"add": ["SYS_ADMIN"]}},
        {"capabilities": {"add": ["ALL"], "drop": []}},
        {"runAsNonRoot": False},
        {"seccompProfile": {"type": "Unconfined"}},
    ],
)
def test_nothing_that_asks_for_more_gets_through(place: Place, context: dict[str, Any]) -> None:
    with pytest.raises(KubernetesRequestFailed, match="violates PodSecurity") as error:
        place.create(containers=[main(securityContext=context)])
    assert error.value.status == 403
    init = {"name": "first", "image": _IMAGE, "securityContext": context}
    with pytest.raises(KubernetesRequestFailed, match="violates PodSecurity"):
        place.create(initContainers=[init])


def test_a_pod_that_runs_as_root_stays_one_and_is_refused(place: Place) -> None:
    with pytest.raises(KubernetesRequestFailed, match="violates PodSecurity"):
        place.create(securityContext={"runAsUser": 0})
    with pytest.raises(KubernetesRequestFailed, match="violates PodSecurity"):
        place.create(securityContext={"runAsNonRoot": False})


def test_pods_of_controllers_are_completed_too(place: Place) -> None:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [main()], "restartPolicy": "Never"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}, "spec": {"template": template}}
    place.server.request("POST", f"/apis/batch/v1/namespaces/{place.workspace}/jobs", job)
    path = f"/api/v1/namespaces/{place.workspace}/pods?labelSelector=batch.kubernetes.io/job-name%3Dtrain"
    until("the job has a pod", lambda: bool(place.server.request("GET", path)["items"]))
    (found,) = place.server.request("GET", path)["items"]
    assert found["spec"]["serviceAccountName"] == "workload"
    assert found["spec"]["containers"][0]["envFrom"] == _SOURCES


def test_a_launcher_of_an_mpijob_asks_for_little_scratch_space(place: Place) -> None:
    def made(name: str) -> dict[str, Any]:
        size = {"cpu": "100m", "memory": "512Mi", "ephemeral-storage": "5Gi"}
        init = {"name": name, "image": _IMAGE, "resources": {"requests": size, "limits": size}}
        return dict(place.create(initContainers=[init])["initContainers"][0]["resources"])

    until("the policy acts", lambda: made("kubectl-delivery")["limits"]["ephemeral-storage"] == "256Mi")
    little = {"cpu": "100m", "memory": "512Mi", "ephemeral-storage": "256Mi"}
    assert made("kubectl-delivery") == {"requests": little, "limits": little}
    assert made("other")["limits"]["ephemeral-storage"] == "5Gi"


def test_a_debugging_container_can_still_be_added(place: Place) -> None:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "debugged"}, "spec": {"containers": [main()]}}
    path = f"/api/v1/namespaces/{place.workspace}/pods"
    before = place.server.request("POST", path, body)["spec"]
    debug = {"name": "debug", "image": _IMAGE, "securityContext": _RESTRICTED}
    after = place.server.request(
        "PATCH",
        f"{path}/debugged/ephemeralcontainers",
        {"spec": {"ephemeralContainers": [debug]}},
        content_type="application/strategic-merge-patch+json",
    )["spec"]
    assert after["containers"] == before["containers"]
    assert after["volumes"] == before["volumes"]
