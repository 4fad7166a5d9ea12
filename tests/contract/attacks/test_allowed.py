"""What members must be able to do: rules that stop everything would stop every attack as well."""

from __future__ import annotations

from typing import Any

import pytest

from components.isolation.priorities import CLASSES
from controlplane.kube import resources
from controlplane.kube.client import Access
from tests.contract.attacks.scene import RBAC, Scene, binding, container, in_namespace, pod, pod_spec, role, workloads
from tests.contract.attacks.test_authority import claim
from tests.contract.attacks.test_traffic import policy, service
from tests.contract.reconcile.world import some_slug, until

pytestmark = pytest.mark.contract


@pytest.mark.parametrize("who", ["admin", "member"])
@pytest.mark.parametrize("kind", ["Pod", "Deployment", "StatefulSet", "Job", "CronJob"])
def test_members_run_workloads(scene: Scene, who: str, kind: str) -> None:
    obj = workloads(scene.own.namespace, some_slug("ok"), pod_spec())[kind]
    if "replicas" not in obj["spec"] and kind in ("Deployment", "StatefulSet"):
        obj["spec"]["replicas"] = 0
    assert scene.actors[who].create(obj).code == 200
    path = scene.world.admin.resource(obj["apiVersion"], kind).path(scene.own.namespace, obj["metadata"]["name"])
    assert scene.actors["viewer"].attempt("GET", path).code == 200
    assert scene.actors[who].attempt("DELETE", path).code == 200


@pytest.mark.parametrize(
    "changes",
    [
        *({"priorityClassName": name} for name in CLASSES),
        {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]},
        {"serviceAccountName": "workload", "automountServiceAccountToken": True},
        {"securityContext": {"runAsUser": 1000, "runAsNonRoot": True, "fsGroup": 1000}},
        {"initContainers": [container(name="first")]},
        {"volumes": [{"name": "tmp", "emptyDir": {}}]},
        {"nodeSelector": {"kubernetes.io/arch": "amd64"}},
        {"hostUsers": False},
    ],
    ids=str,
)
def test_ordinary_pods(scene: Scene, changes: dict[str, Any]) -> None:
    name = some_slug("ok")
    answer = scene.actors["member"].create(pod(scene.own.namespace, name, **changes))
    assert answer.code == 200, answer.message
    limits = answer.body["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "1Gi"}, "the defaults"
    assert scene.actors["member"].attempt("DELETE", resources.POD.path(scene.own.namespace, name)).code == 200


def test_a_deployment_gets_its_pods_and_a_job_finishes_its_bookkeeping(scene: Scene) -> None:
    """The cluster's own controllers work under the policies: pods appear, finalizers go, owners are collected."""
    kube, member = scene.world.admin, scene.actors["member"]
    name = some_slug("run")
    every = workloads(scene.own.namespace, name, pod_spec())
    for kind in ("Deployment", "Job"):
        assert member.create(every[kind]).code == 200

    def made() -> list[dict[str, Any]]:
        return [p for p in kube.list(resources.POD, scene.own.namespace) if p["metadata"]["name"].startswith(name)]

    until("both have a pod", lambda: len(made()) == 2)
    for kind, api in (("Deployment", "apps/v1"), ("Job", "batch/v1")):
        path = kube.resource(api, kind).path(scene.own.namespace, name)
        assert member.attempt("DELETE", path, {"propagationPolicy": "Background"}).code == 200
    until("their pods are collected", lambda: not made())


def test_members_have_their_things(scene: Scene) -> None:
    member, namespace = scene.actors["member"], scene.own.namespace
    for obj in (
        in_namespace("v1", "ConfigMap", namespace, some_slug("ok"), data={"a": "b"}),
        in_namespace("v1", "Secret", namespace, some_slug("ok"), stringData={"a": "b"}),
        service(scene, some_slug("ok"), selector={"app": "x"}),
        service(scene, some_slug("ok"), clusterIP="None", selector={"app": "x"}),
        claim(scene, storageClassName="mlp-local"),
        policy(scene),
        policy(scene, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "x"}}}], "ports": [{"port": 80}]}]),
        policy(scene, egress=[{"to": [{"podSelector": {}}]}]),
        {**in_namespace("v1", "ConfigMap", namespace, some_slug("ok")),
         "metadata": {"name": some_slug("ok"), "namespace": namespace,
                      "labels": {"app.kubernetes.io/managed-by": "Helm", "mlp.io/tenant": scene.own.tenant}}},
    ):  # fmt: skip
        answer = member.create(obj)
        assert answer.code == 200, answer.message
        path = member.kube.resource(obj["apiVersion"], obj["kind"]).path(namespace, obj["metadata"]["name"])
        patch = {"metadata": {"labels": {"mine": "yes"}}}
        assert member.attempt("PATCH", path, patch, "application/merge-patch+json").code == 200
        assert scene.actors["viewer"].attempt("DELETE", path).code == 403
        assert member.attempt("DELETE", path).code == 200
    secret = member.attempt("GET", resources.SECRET.path(namespace, "storage"))
    assert "AWS_ACCESS_KEY_ID" in secret.body["data"]
    assert scene.actors["viewer"].attempt("GET", resources.SECRET.path(namespace, "storage")).code == 403
    assert member.attempt("GET", resources.NAMESPACE.path(None, namespace)).code == 200


def test_tenant_admins_share_their_rights_within_the_workspace(scene: Scene) -> None:
    admin, namespace = scene.actors["admin"], scene.own.namespace
    account = in_namespace("v1", "ServiceAccount", namespace, some_slug("ci"))
    reader = role(namespace, some_slug("ok"), ["get", "list"], ["pods", "configmaps"])
    subject = {"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": namespace}
    group = {"apiGroup": RBAC, "kind": "Group", "name": f"tenant:{scene.own.tenant}:viewer"}
    made = (
        account,
        reader,
        binding(namespace, some_slug("ok"), subject, reader["metadata"]["name"], "Role"),
        binding(namespace, some_slug("ok"), group, "mlp-tenant-edit"),
    )
    for obj in made:
        assert scene.actors["member"].create(obj).code == 403
        if obj["kind"] == "RoleBinding":  # which role it gives is looked up among those that were seen
            until("the role is seen", lambda obj=obj: admin.create(obj, dryRun="All").code != 404)  # type: ignore[misc]
        answer = admin.create(obj)
        assert answer.code == 200, answer.message
    for obj in made:
        path = admin.kube.resource(obj["apiVersion"], obj["kind"]).path(namespace, obj["metadata"]["name"])
        assert admin.attempt("DELETE", path).code == 200


def test_rbac_answers_for_groups_what_the_bindings_say(scene: Scene) -> None:
    kube = scene.world.control_plane

    def may(role_name: str, verb: str, namespace: str) -> bool:
        groups = (f"tenant:{scene.own.tenant}:{role_name}", "system:authenticated")
        return kube.allowed(
            Access(user="user:x", groups=groups, verb=verb, group="", resource="pods", namespace=namespace)
        )

    assert may("member", "create", scene.own.namespace)
    assert may("viewer", "list", scene.own.namespace)
    assert not may("viewer", "create", scene.own.namespace)
    assert not may("admin", "get", scene.other.namespace)


def test_tokens_are_reviewed(scene: Scene) -> None:
    kube, server, namespace = scene.world.control_plane, scene.world.server, scene.own.namespace
    token = server.service_account_token(namespace, "workload", audiences=["mlp"])
    identity = kube.token_review(token, ["mlp"])
    assert identity is not None
    assert identity.username == f"system:serviceaccount:{namespace}:workload"
    assert f"system:serviceaccounts:{namespace}" in identity.groups
    assert kube.token_review(token, ["other"]) is None
    assert kube.token_review(token) is None, "not meant for the API server"
    assert kube.token_review(token[:-4] + "AAAA", ["mlp"]) is None
