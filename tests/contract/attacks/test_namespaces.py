"""Attacks 3, 5, 13, 16: the namespace itself and the platform's objects in it."""

from __future__ import annotations

import pytest

from controlplane.kube import resources
from tests.contract.attacks.scene import RBAC, Scene, in_namespace
from tests.contract.reconcile.world import Actor, some_slug, until

pytestmark = pytest.mark.contract

_LABELS = {
    "pod-security.kubernetes.io/enforce": "privileged",
    "pod-security.kubernetes.io/enforce-version": "v1.20",
    "mlp.io/tenant": "another",
    "istio-injection": "disabled",
}


@pytest.fixture(scope="module")
def namespace_editor(scene: Scene) -> Actor:
    """Somebody of the cluster who may write namespaces, as the stock roles of some clusters allow."""
    rule = {"apiGroups": [""], "verbs": ["create", "update", "patch", "delete"],
            "resources": ["namespaces", "namespaces/status", "namespaces/finalize"]}  # fmt: skip
    scene.world.admin.apply({"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "ns-editor"},
                             "rules": [rule]})  # fmt: skip
    scene.world.admin.apply({
        "apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "ns-editor"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "ns-editor"},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "ns-editors"}],
    })  # fmt: skip
    editor = scene.world.person("editor", "ns-editors")
    harmless = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": some_slug("harmless")}}
    until("it may write namespaces", lambda: editor.create(harmless, dryRun="All").code == 200)
    return editor


@pytest.mark.parametrize("label", _LABELS)
@pytest.mark.parametrize("value", ["changed", None])
def test_labels_of_the_namespace(scene: Scene, namespace_editor: Actor, label: str, value: str | None) -> None:
    patch = {"metadata": {"labels": {label: value and _LABELS[label]}}}
    scene.refuse_change(resources.NAMESPACE, scene.own.namespace, patch)
    path = resources.NAMESPACE.path(None, scene.own.namespace)
    answer = namespace_editor.attempt("PATCH", path, patch, "application/merge-patch+json")
    assert (answer.code, "(rule: namespaces)" in answer.message) == (403, True), answer


@pytest.mark.parametrize("part", ["", "/status", "/finalize"])
def test_owners_finalizers_and_subresources_of_the_namespace(
    scene: Scene, namespace_editor: Actor, part: str
) -> None:  # fmt: skip
    path = resources.NAMESPACE.path(None, scene.own.namespace) + part
    found = scene.world.admin.get(resources.NAMESPACE, None, scene.own.namespace)
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": found["metadata"]["uid"]}
    changed = {**found, "metadata": {**found["metadata"], "ownerReferences": [owner], "labels": {}}, "spec": {}}
    for actor in (*scene.all_actors, namespace_editor):
        assert actor.attempt("PUT", path, changed).code == 403
    assert namespace_editor.attempt("DELETE", resources.NAMESPACE.path(None, scene.own.namespace)).code == 403
    assert scene.world.admin.get(resources.NAMESPACE, None, scene.own.namespace)["metadata"] == found["metadata"]


def test_claiming_a_tenants_name_by_hand(scene: Scene, namespace_editor: Actor) -> None:
    by_name = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ws-{some_slug('x')}--y"}}
    by_label = {"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": some_slug("x"), "labels": {"mlp.io/tenant": scene.other.tenant}}}  # fmt: skip
    for obj in (by_name, by_label):
        scene.refuse_creation(obj)
        assert namespace_editor.create(obj).code == 403
    harmless = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ws-{some_slug('x')}"}}
    assert namespace_editor.create(harmless).code == 200, "other namespaces are none of our business"
    path = resources.NAMESPACE.path(None, harmless["metadata"]["name"])
    take = {"metadata": {"labels": {"mlp.io/tenant": scene.other.tenant}}}
    assert namespace_editor.attempt("PATCH", path, take, "application/merge-patch+json").code == 403


PLATFORM_OBJECTS = [
    (resources.RESOURCE_QUOTA, "compute", {"spec": {"hard": {"limits.cpu": "1000"}}}),
    (resources.RESOURCE_QUOTA, "best-effort", {"spec": {"hard": {"pods": "1000"}}}),
    (resources.LIMIT_RANGE, "defaults", {"spec": {"limits": []}}),
    (resources.NETWORK_POLICY, "default-deny", {"spec": {"ingress": [{}], "egress": [{}]}}),
    (resources.NETWORK_POLICY, "allow-platform-egress", {"spec": {"egress": [{}]}}),
    (resources.NETWORK_POLICY, "default-deny", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}),
    (resources.NETWORK_POLICY, "default-deny", {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}}),
    (resources.ROLE_BINDING, "mlp-tenant-admin", {"subjects": []}),
    (resources.ROLE_BINDING, "mlp-workload", {"metadata": {"annotations": {"a": "b"}}}),
    (resources.SERVICE_ACCOUNT, "workload", {"automountServiceAccountToken": True}),
    (resources.SERVICE_ACCOUNT, "workload", {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "arn:x"}}}),
    (resources.SECRET, "storage", {"metadata": {"labels": None}}),
]


@pytest.mark.parametrize(("resource", "name", "patch"), PLATFORM_OBJECTS)
def test_the_platforms_objects_stay_as_they_are(
    scene: Scene, resource: resources.Resource, name: str, patch: dict
) -> None:  # fmt: skip
    rules = ("platform-objects", "network-policies", "cloud-identity")  # whichever policy answers first
    scene.refuse_change(resource, name, patch, namespace=scene.own.namespace, rules=rules)


@pytest.mark.parametrize(("resource", "name"), sorted({(r, n) for r, n, _ in PLATFORM_OBJECTS}, key=str))
def test_the_platforms_objects_cannot_be_deleted(scene: Scene, resource: resources.Resource, name: str) -> None:
    scene.refuse_deletion(resource, name, namespace=scene.own.namespace)


def test_a_looser_second_limit_or_quota(scene: Scene) -> None:
    big = {"limits": [{"type": "Container", "max": {"cpu": "1000"}}]}
    for actor in scene.actors.values():
        for kind, spec in (("LimitRange", big), ("ResourceQuota", {"hard": {"pods": "1000"}})):
            assert actor.create(in_namespace("v1", kind, scene.own.namespace, "mine", spec=spec)).code == 403


@pytest.mark.parametrize(
    "meta",
    [
        {"labels": {"app.kubernetes.io/managed-by": "mlp"}},
        {"labels": {"mlp.io/generation": "1"}},
        {"labels": {"mlp.io/tenant": "another"}},
        {"labels": {"mlp.io/workspace": "another"}},
        {"annotations": {"mlp.io/spec-hash": "0"}},
        {"annotations": {"mlp.io/uid": "0"}},
    ],
)
def test_look_alikes_of_the_platforms_objects(scene: Scene, meta: dict) -> None:
    obj = in_namespace("v1", "ConfigMap", scene.own.namespace, "look-alike", data={"a": "b"})
    obj["metadata"] |= meta
    scene.refuse_creation(obj, rule="platform-objects")
    plain = in_namespace("v1", "ConfigMap", scene.own.namespace, some_slug("plain"))
    assert scene.actors["member"].create(plain).code == 200
    patch = {"metadata": meta}
    scene.refuse_change(
        resources.CONFIG_MAP,
        plain["metadata"]["name"],
        patch,
        namespace=scene.own.namespace,
        rules=("platform-objects",),
    )
