"""Attacks 1, 2: into the other tenant's namespace, and over the whole cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controlplane.kube.resources import Resource
from tests.contract.attacks.scene import Scene

pytestmark = pytest.mark.contract

_EVERYBODY = {
    "selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews", "clustertrainingruntimes",
}  # fmt: skip
"""Anybody may ask about themselves, and which runtimes there are for training: names of images and no more."""


def served(scene: Scene) -> Iterator[tuple[Resource, list[str]]]:
    """Every resource the API server has, with its verbs."""
    send = scene.world.admin.transport.request
    counter = scene.world.admin.counter
    versions = ["v1"]
    for group in send("GET", "/apis", counter=counter)["groups"]:
        versions.append(group["preferredVersion"]["groupVersion"])
    for version in versions:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for item in send("GET", root, counter=counter)["resources"]:
            if "/" not in item["name"] and item["name"] not in _EVERYBODY:
                yield Resource(version, item["kind"], item["name"], item["namespaced"]), item["verbs"]


def test_no_kind_of_another_tenants_namespace_answers_to_any_verb(scene: Scene) -> None:
    tried = 0
    for resource, verbs in served(scene):
        if not resource.namespaced:
            continue
        collection, one = resource.path(scene.other.namespace), resource.path(scene.other.namespace, "anything")
        obj = {"apiVersion": resource.api_version, "kind": resource.kind,
               "metadata": {"name": "anything", "namespace": scene.other.namespace}}  # fmt: skip
        calls = {
            "list": ("GET", collection, None, {}),
            "watch": ("GET", collection, None, {"watch": "true", "timeoutSeconds": "1"}),
            "get": ("GET", one, None, {}),
            "create": ("POST", collection, obj, {}),
            "update": ("PUT", one, obj, {}),
            "patch": ("PATCH", one, {"metadata": {"labels": {"a": "b"}}}, {}),
            "delete": ("DELETE", one, None, {}),
            "deletecollection": ("DELETE", collection, None, {}),
        }
        for verb, (method, path, body, params) in calls.items():
            if verb not in verbs:
                continue
            for actor in scene.all_actors:
                kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
                answer = actor.attempt(method, path, body, kind, **params)
                assert answer.code == 403, f"{actor.name} may {verb} {resource.plural}: {answer}"
                tried += 1
    assert tried > 500, "the API server's own list was walked"


def test_nothing_cluster_wide_answers(scene: Scene) -> None:
    kinds = set()
    for resource, verbs in served(scene):
        for actor in scene.all_actors:
            if "list" in verbs:
                answer = actor.attempt("GET", resource.path(None))
                assert answer.code == 403, f"{actor.name} lists {resource.plural}: {answer.code}"
            if "create" in verbs and not resource.namespaced:
                body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "mine"}}
                answer = actor.attempt("POST", resource.path(None), body)
                assert answer.code == 403, f"{actor.name} makes {resource.plural}: {answer}"
        kinds.add(resource.kind)
    assert {"Node", "PersistentVolume", "Namespace", "ClusterRole", "CustomResourceDefinition"} <= kinds


def test_rights_listed_for_the_other_namespace_are_none(scene: Scene) -> None:
    for actor in scene.all_actors:
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
                  "spec": {"namespace": scene.other.namespace}}  # fmt: skip
        answer = actor.attempt("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review)
        rules = answer.body["status"]["resourceRules"]
        granted = {r for rule in rules for r in rule["resources"]} - _EVERYBODY
        assert granted == set(), f"{actor.name}: {granted}"


@pytest.mark.parametrize("path", ["/metrics", "/logs", "/debug/pprof/", "/api/v1/nodes/n1/proxy/pods"])
def test_the_servers_own_paths_are_closed(scene: Scene, path: str) -> None:
    for actor in scene.all_actors:
        assert actor.attempt("GET", path).code == 403


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Impersonate-User", "admin"),
        ("Impersonate-Group", "system:masters"),
        ("Impersonate-User", "system:serviceaccount:mlp-system:control-plane"),
    ],
)
def test_nobody_may_act_as_somebody_else(scene: Scene, header: str, value: str) -> None:
    for actor in scene.all_actors:
        kube = actor.kube
        headers = {"Impersonate-User": "nobody", header: value}
        with pytest.raises(Exception, match="cannot impersonate"):
            kube.transport.request("GET", "/api/v1/namespaces", counter=kube.counter, headers=headers)
