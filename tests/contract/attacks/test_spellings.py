"""The same attacks by other verbs and encodings: PUT, JSON patch, server-side apply, dry run, generated names."""

from __future__ import annotations

import copy
import json
import random
import secrets
from typing import Any

import pytest

from controlplane.kube import resources
from tests.contract.attacks.scene import Scene, container, in_namespace, lasting, pod, pod_spec, workloads
from tests.contract.attacks.test_pods import BAD_PODS
from tests.contract.reconcile.world import some_slug

pytestmark = pytest.mark.contract

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(
    ("resource", "name", "pointer", "value"),
    [
        (resources.RESOURCE_QUOTA, "compute", "/spec/hard/pods", "999"),
        (resources.NETWORK_POLICY, "default-deny", "/spec/policyTypes", ["Ingress"]),
        (resources.LIMIT_RANGE, "defaults", "/spec/limits", []),
        (resources.ROLE_BINDING, "mlp-tenant-view", "/subjects", []),
        (resources.SERVICE_ACCOUNT, "workload", "/automountServiceAccountToken", True),
    ],
)
def test_platform_objects_by_every_way_of_writing(
    scene: Scene, resource: resources.Resource, name: str, pointer: str, value: Any
) -> None:
    admin, namespace = scene.world.admin, scene.own.namespace
    path = resource.path(namespace, name)
    before = admin.get(resource, namespace, name)
    changed = lasting(copy.deepcopy(before))
    *parents, last = pointer.strip("/").split("/")
    at = changed
    for part in parents:
        at = at[part]
    at[last] = value
    bare = {**changed, "metadata": {"name": name, "namespace": namespace}}
    unlabelled = {**bare, "metadata": {**bare["metadata"], "labels": {}}}
    attempts: list[tuple[str, str, Any, str, dict[str, str]]] = [
        ("PUT", path, changed, "application/json", {}),
        ("PUT", path, unlabelled, "application/json", {}),
        ("PATCH", path, bare, APPLY, {"fieldManager": "me", "force": "true"}),
        ("PATCH", path, bare, APPLY, {"fieldManager": "mlp-control-plane", "force": "true"}),
        ("PATCH", path, [{"op": "replace", "path": pointer, "value": value}], JSON_PATCH, {}),
        ("PATCH", path, [{"op": "remove", "path": "/metadata/labels"}], JSON_PATCH, {}),
        ("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"},
         "application/json", {}),
        ("DELETE", resource.path(namespace), None, "application/json",
         {"labelSelector": "app.kubernetes.io/managed-by=mlp"}),
        ("DELETE", resource.path(namespace), None, "application/json", {"fieldSelector": f"metadata.name={name}"}),
        ("POST", resource.path(namespace), {**bare, "metadata": {
            "generateName": "x-", "labels": {"app.kubernetes.io/managed-by": "mlp"}}}, "application/json", {}),
    ]  # fmt: skip
    for method, where, body, kind, params in attempts:
        for actor in scene.all_actors:
            answer = actor.attempt(method, where, body, kind, **params)
            assert answer.code == 403, f"{actor.name} {method} {where} {params}: {answer.code} {answer.message}"
    assert lasting(admin.get(resource, namespace, name)) == lasting(before)


def test_a_dry_run_answers_as_the_real_thing(scene: Scene) -> None:
    path = resources.POD.path(scene.own.namespace)
    member = scene.actors["member"]
    assert member.attempt("POST", path, pod(scene.own.namespace, "x", hostNetwork=True), dryRun="All").code == 403
    assert member.attempt("POST", path, pod(scene.own.namespace, "x"), dryRun="All").code == 200


def test_bad_workloads_by_apply_generated_name_and_later_patch(scene: Scene) -> None:
    """A hundred picks of an attack, a kind and a way to write it."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown by pytest when the test fails
    chance = random.Random(seed)  # noqa: S311 - picks, not secrets
    namespace, actor = scene.own.namespace, scene.stock_admin
    kinds = ["Deployment", "StatefulSet", "Job", "CronJob", "ReplicaSet"]
    for _ in range(100):
        attack, kind = chance.choice(sorted(BAD_PODS)), chance.choice(kinds)
        name = some_slug("s")
        bad = workloads(namespace, name, pod_spec(**copy.deepcopy(BAD_PODS[attack][1])))[kind]
        resource = scene.world.admin.resource(bad["apiVersion"], kind)
        way = chance.choice(["apply", "generate", "put", "patch"])
        if way == "apply":
            params = {"fieldManager": chance.choice(["me", "kubectl", "mlp-control-plane"]), "force": "true"}
            answer = actor.attempt("PATCH", resource.path(namespace, name), bad, APPLY, **params)
        elif way == "generate":
            bad["metadata"] = {"generateName": f"{name}-", "namespace": namespace}
            answer = actor.create(bad)
        else:
            good = workloads(namespace, name, pod_spec())[kind]
            if "replicas" not in good["spec"] and kind in ("Deployment", "StatefulSet", "ReplicaSet"):
                good["spec"]["replicas"] = 0
            if kind == "Job":
                good["spec"]["suspend"] = True
            assert actor.create(good).code == 200
            path = resource.path(namespace, name)
            if way == "put":
                answer = actor.attempt("PUT", path, bad)
            else:
                answer = actor.attempt("PATCH", path, json.loads(json.dumps({"spec": bad["spec"]})), MERGE)
            actor.attempt("DELETE", path, {"propagationPolicy": "Background"})
        # 422: a Job's template may not change at all
        assert answer.code in ((403, 422) if kind == "Job" else (403,)), f"seed {seed}: {attack} {kind} {way}: {answer}"


@pytest.mark.parametrize("field", ["containers", "initContainers"])
def test_one_bad_container_among_many(scene: Scene, field: str) -> None:
    many = [container(name=f"c{n}") for n in range(20)]
    many[13] = container("evil.example.com/x", name="c13")
    spec = pod_spec(**{field: many})
    for obj in workloads(scene.own.namespace, some_slug("many"), spec).values():
        scene.refuse_creation(obj)


def test_names_and_documents_that_are_none(scene: Scene) -> None:
    """Whatever is sent in place of an object, the answer is a refusal and never a failure of the server."""
    path = resources.CONFIG_MAP.path(scene.own.namespace)
    meta = {"name": "x", "namespace": scene.other.namespace}
    for body in (
        in_namespace("v1", "ConfigMap", scene.other.namespace, "x"),
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}]},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}},
        in_namespace("v1", "ConfigMap", scene.own.namespace, "../../x"),
        in_namespace("v1", "ConfigMap", scene.own.namespace, "X" * 300),
        [],
        "text",
    ):
        answer = scene.actors["member"].attempt("POST", path, body)
        assert answer.code in (400, 403, 404, 422), answer
    assert scene.world.admin.find(resources.CONFIG_MAP, scene.other.namespace, "x") is None
