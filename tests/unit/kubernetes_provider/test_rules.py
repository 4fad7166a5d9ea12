"""What the plugin decides without asking anybody."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from infra.providers.kubernetes import rules
from infra.providers.kubernetes.paths import show
from infra.providers.plugin.values import UNKNOWN

Obj = dict[str, Any]


def obj(api_version: str, kind: str, spec: Any = None, **metadata: Any) -> Obj:
    made: Obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", **metadata}}
    return made if spec is None else made | {"spec": spec}


def completed(given: Obj, old: Obj | None = None, *, namespace: str | None = None, token: str = "") -> Obj:
    return rules.complete(
        given,
        old,
        resource_name="settings",
        seed=b"seed",
        token=token or "kubernetes:core/v1:ConfigMap",
        namespace=namespace,
    )


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("kubernetes:core/v1:ConfigMap", ("v1", "ConfigMap")),
        ("kubernetes:apps/v1:Deployment", ("apps/v1", "Deployment")),
        ("kubernetes:mlflow.kubeflow.org/v1:MLflowConfig", ("mlflow.kubeflow.org/v1", "MLflowConfig")),
        ("mlp:components:Component$kubernetes:core/v1:Secret", ("v1", "Secret")),
    ],
)
def test_a_type_token_names_version_and_kind(token: str, expected: tuple[str, str]) -> None:
    assert rules.type_of(token) == expected


@pytest.mark.parametrize("token", ["", "aws:s3/bucket:Bucket", "kubernetes:v1:ConfigMap", "kubernetes:core/v1:"])
def test_another_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="type token"):
        rules.type_of(token)


def test_a_generated_name_is_marked_and_valid() -> None:
    full = completed({"data": {}})
    assert full["metadata"]["name"].startswith("settings-")
    assert full["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    odd = rules.generated_name("My Component/Größe_" + "x" * 80, b"s")
    assert len(odd) <= 63
    assert odd == odd.lower()
    assert all(c.isascii() and (c.isalnum() or c in "-.") for c in odd)


def test_another_seed_generates_another_name() -> None:
    assert rules.generated_name("a", b"1") != rules.generated_name("a", b"2")


def test_a_generated_name_is_kept() -> None:
    first = completed({"data": {"a": "1"}})
    second = completed({"data": {"a": "2"}}, first)
    assert second["metadata"] == first["metadata"]


def test_a_given_name_is_never_marked() -> None:
    full = completed({"metadata": {"name": "fixed"}})
    assert full["metadata"] == {"name": "fixed"}


def test_the_providers_namespace_fills_in_only_where_one_belongs() -> None:
    assert completed({"metadata": {"name": "a"}}, namespace="ns")["metadata"]["namespace"] == "ns"
    given = {"metadata": {"name": "a", "namespace": "own"}}
    assert completed(given, namespace="ns")["metadata"]["namespace"] == "own"
    token = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
    assert "namespace" not in completed({"metadata": {"name": "a"}}, namespace="ns", token=token)["metadata"]


def test_completing_leaves_the_input_alone() -> None:
    given = {"metadata": {"labels": {"a": "b"}}, "data": {"x": None, "y": "1"}}
    before = copy.deepcopy(given)
    full = completed(given, namespace="ns")
    assert given == before
    assert full["data"] == {"y": "1"}


def test_string_data_becomes_data_and_unknown_values_stay_unknown() -> None:
    given = {"metadata": {"name": "s"}, "data": {"a": "QQ=="}, "stringData": {"b": "word", "c": UNKNOWN}}
    full = completed(given, token="kubernetes:core/v1:Secret")
    assert "stringData" not in full
    assert full["data"] == {"a": "QQ==", "b": base64.b64encode(b"word").decode(), "c": UNKNOWN}


def changed(old: Obj, new: Obj) -> dict[str, tuple[str, bool]]:
    return {show(each.path): (each.kind, each.replaces) for each in rules.compare(old, new)}


def test_equal_meanings_do_not_differ() -> None:
    old = obj("v1", "ConfigMap", namespace="default") | {"data": {"a": "1", "b": None}}
    new = obj("v1", "ConfigMap") | {"data": {"a": "1"}}
    assert changed(old, new) == {}
    role = obj("rbac.authorization.k8s.io/v1", "ClusterRole")
    assert changed(role, obj("rbac.authorization.k8s.io/v1", "ClusterRole", namespace="x")) == {}


def test_true_and_one_differ() -> None:
    old, new = obj("x.y/v1", "T", {"a": 1}), obj("x.y/v1", "T", {"a": True})
    assert changed(old, new) == {"spec.a": ("update", False)}


def test_identity_replaces() -> None:
    old = obj("v1", "ConfigMap", namespace="a")
    assert changed(old, obj("v1", "ConfigMap", namespace="b")) == {"metadata.namespace": ("update", True)}
    assert changed(old, {**old, "metadata": {"name": "y", "namespace": "a"}}) == {"metadata.name": ("update", True)}


def test_another_group_replaces_and_another_version_does_not() -> None:
    old = obj("apps/v1beta1", "Deployment")
    assert changed(old, obj("apps/v1", "Deployment")) == {"apiVersion": ("update", False)}
    assert changed(old, obj("extensions/v1beta1", "Deployment")) == {"apiVersion": ("update", True)}


LABELS = {"matchLabels": {"app": "a"}}
OTHER = {"matchLabels": {"app": "b"}}


@pytest.mark.parametrize(
    ("api_version", "kind", "old", "new"),
    [
        ("apps/v1", "Deployment", {"selector": LABELS}, {"selector": OTHER}),
        ("apps/v1", "DaemonSet", {"selector": LABELS}, {"selector": OTHER}),
        ("apps/v1", "StatefulSet", {"selector": LABELS}, {"selector": OTHER}),
        ("apps/v1", "StatefulSet", {"serviceName": "a"}, {"serviceName": "b"}),
        ("apps/v1", "StatefulSet", {"volumeClaimTemplates": [{"spec": 1}]}, {"volumeClaimTemplates": [{"spec": 2}]}),
        ("batch/v1", "Job", {"template": {"spec": {"a": 1}}}, {"template": {"spec": {"a": 2}}}),
        ("v1", "PersistentVolumeClaim", {"accessModes": ["A"]}, {"accessModes": ["B"]}),
        ("v1", "PersistentVolumeClaim", {"storageClassName": "a"}, {}),
        ("v1", "Service", {"clusterIP": "10.0.0.1"}, {"clusterIP": "10.0.0.2"}),
        ("v1", "Service", {}, {"clusterIP": "None"}),
        ("v1", "Pod", {"nodeName": "a"}, {"nodeName": "b"}),
    ],
)
def test_an_immutable_field_replaces(api_version: str, kind: str, old: Obj, new: Obj) -> None:
    differences = rules.compare(obj(api_version, kind, old), obj(api_version, kind, new))
    assert differences
    assert all(each.replaces for each in differences)


@pytest.mark.parametrize(
    ("api_version", "kind", "old", "new"),
    [
        ("apps/v1", "Deployment", {"replicas": 1}, {"replicas": 2}),
        ("apps/v1", "StatefulSet", {"template": {"spec": 1}}, {"template": {"spec": 2}}),
        ("batch/v1", "Job", {"parallelism": 1}, {"parallelism": 2}),
        ("v1", "PersistentVolumeClaim", {"resources": {"requests": {"storage": "1Gi"}}},
         {"resources": {"requests": {"storage": "2Gi"}}}),
        ("v1", "Service", {"ports": [{"port": 80}]}, {"ports": [{"port": 81}]}),
        ("x.y/v1", "Thing", {"selector": LABELS}, {"selector": OTHER}),
    ],
)  # fmt: skip
def test_other_fields_update(api_version: str, kind: str, old: Obj, new: Obj) -> None:
    differences = rules.compare(obj(api_version, kind, old), obj(api_version, kind, new))
    assert differences
    assert not any(each.replaces for each in differences)


def test_a_role_binding_to_another_role_replaces() -> None:
    old = obj("rbac.authorization.k8s.io/v1", "RoleBinding") | {"roleRef": {"name": "a"}}
    new = obj("rbac.authorization.k8s.io/v1", "RoleBinding") | {"roleRef": {"name": "b"}}
    assert changed(old, new) == {"roleRef.name": ("update", True)}


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_data_replaces_only_where_it_is_immutable(kind: str) -> None:
    old, new = obj("v1", kind) | {"data": {"a": "1"}}, obj("v1", kind) | {"data": {"a": "2"}}
    assert changed(old, new) == {"data.a": ("update", False)}
    assert changed(old | {"immutable": True}, new | {"immutable": True}) == {"data.a": ("update", True)}
    assert changed(old, old | {"immutable": True}) == {"immutable": ("add", False)}
    assert changed(old | {"immutable": True}, old) == {"immutable": ("delete", True)}


def test_only_the_same_place_must_be_emptied_first() -> None:
    one = obj("apps/v1", "Deployment", namespace="default")
    assert rules.same_place(one, obj("apps/v1", "Deployment"))
    assert not rules.same_place(one, obj("apps/v1", "Deployment", namespace="other"))
    assert not rules.same_place(one, {**one, "metadata": {"name": "y"}})


def test_live_values_take_the_shape_of_the_inputs() -> None:
    inputs = obj(
        "apps/v1",
        "Deployment",
        {
            "replicas": 2,
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "a",
                            "image": "i:1",
                            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                            "env": [],
                        },
                        {"name": "b", "image": "i:1"},
                    ]
                }
            },
        },
        labels={"mine": "1", "gone": "1"},
    )
    live = copy.deepcopy(inputs)
    live["metadata"] |= {"uid": "u", "labels": {"mine": "1", "theirs": "1"}}
    live["spec"]["replicas"] = 5
    live["spec"]["strategy"] = {"type": "RollingUpdate"}
    containers = live["spec"]["template"]["spec"]["containers"]
    containers[0] |= {"resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}, "imagePullPolicy": "Always"}
    del containers[0]["env"]
    containers[1]["image"] = "i:2"
    containers.reverse()

    seen = rules.seen_as_inputs(inputs, live)

    assert changed(seen, inputs) == {
        "metadata.labels.gone": ("add", False),
        "spec.replicas": ("update", False),
        "spec.template.spec.containers[1].image": ("update", False),
    }


def test_a_removed_list_item_is_seen() -> None:
    inputs = obj("v1", "Service", {"ports": [{"port": 1}, {"port": 2}]})
    live = obj("v1", "Service", {"ports": [{"port": 1, "protocol": "TCP"}]})
    assert rules.compare(rules.seen_as_inputs(inputs, live), inputs)


def test_an_empty_value_that_the_server_leaves_out_is_no_drift() -> None:
    inputs = obj("scheduling.k8s.io/v1", "PriorityClass") | {"globalDefault": False, "value": 0, "x": {}}
    assert changed(rules.seen_as_inputs(inputs, obj("scheduling.k8s.io/v1", "PriorityClass")), inputs) == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("1", "1000m", True), ("1Gi", "1024Mi", True), ("0.5", "500m", True), ("1", "1001m", False), ("a", "b", False)],
)
def test_quantities_compare_by_value(one: str, other: str, same: bool) -> None:
    inputs, live = obj("x.y/v1", "T", {"q": one}), obj("x.y/v1", "T", {"q": other})
    assert (changed(rules.seen_as_inputs(inputs, live), inputs) == {}) is same


def test_the_time_limit_comes_from_options_then_annotation_then_default() -> None:
    annotated = obj("v1", "Pod", annotations={"pulumi.com/timeoutSeconds": "7"})
    assert rules.timeout_seconds(3, annotated, 600) == 3
    assert rules.timeout_seconds(0, annotated, 600) == 7
    assert rules.timeout_seconds(0, obj("v1", "Pod"), 600) == 600
    assert rules.timeout_seconds(0, obj("v1", "Pod", annotations={"pulumi.com/timeoutSeconds": "soon"}), 600) == 600


def test_dependents_go_first_where_there_are_any() -> None:
    assert rules.propagation(obj("apps/v1", "Deployment")) == "Foreground"
    assert rules.propagation(obj("x.y/v1", "Thing")) == "Foreground"
    assert rules.propagation(obj("v1", "ConfigMap")) == "Background"
    chosen = obj("v1", "ConfigMap", annotations={"pulumi.com/deletionPropagationPolicy": "orphan"})
    assert rules.propagation(chosen) == "Orphan"


def test_ids_name_the_namespace_where_there_is_one() -> None:
    assert rules.object_id(obj("v1", "ConfigMap", namespace="ns")) == "ns/x"
    assert rules.object_id(obj("v1", "Namespace")) == "x"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("spec", "ports", 0, "name"), "spec.ports[0].name"),
        (("metadata", "labels", "app.kubernetes.io/name"), 'metadata.labels["app.kubernetes.io/name"]'),
        (("data",), "data"),
    ],
)
def test_paths_are_written_as_the_engine_does(path: tuple[str | int, ...], shown: str) -> None:
    assert show(path) == shown


def test_a_secrets_data_is_always_secret_and_follows_its_text() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "QQ=="}}
    found = rules.object_secrets(secret, frozenset({("stringData", "b")}))
    assert {("data",), ("stringData",), ("data", "b")} <= found
    config = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert rules.object_secrets(config, frozenset({("data", "b")})) == {("data", "b")}
