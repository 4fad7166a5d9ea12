"""Property values, secrets, errors and kubeconfigs."""

from __future__ import annotations

import pytest
from pulumi.provider.experimental.property_value import PropertyValue

from infra.providers.kubernetes.client import load_kubeconfig
from infra.providers.kubernetes.errors import (
    ApiError,
    ConfigInvalid,
    FieldConflict,
    NamespaceEnding,
    NotFound,
    from_answer,
)
from infra.providers.kubernetes.values import marked_map, object_secrets, plain_map, secret_paths

DATA = {"spec": {"replicas": 3, "ratio": 0.5, "on": True, "list": [1, {"a": None}], "text": "x"}}


def test_plain_data_survives_the_way_there_and_back() -> None:
    assert plain_map(marked_map(DATA, frozenset())) == DATA


def test_whole_numbers_are_ints_and_booleans_stay() -> None:
    found = plain_map({"n": PropertyValue(3.0), "b": PropertyValue(True), "f": PropertyValue(1.5)})
    assert [type(found[key]) for key in ("n", "b", "f")] == [int, bool, float]


def test_the_engines_own_properties_are_left_out() -> None:
    assert plain_map({"__defaults": PropertyValue([]), "a": PropertyValue("b")}) == {"a": "b"}


def test_marks_come_back_at_the_same_paths() -> None:
    secrets = frozenset({("spec", "list", 1, "a"), ("spec", "text")})
    values = marked_map(DATA, secrets)
    assert secret_paths(values) == secrets
    assert plain_map(values) == DATA


def test_a_mark_on_a_whole_covers_what_is_inside() -> None:
    assert secret_paths(marked_map({"data": {"a": "b"}}, frozenset({("data",)}))) == {("data",)}


def test_a_secrets_data_is_always_secret_and_follows_its_text() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "QQ=="}}
    found = object_secrets(secret, frozenset({("stringData", "b")}))
    assert {("data",), ("stringData",), ("data", "b")} <= found
    config = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert object_secrets(config, frozenset({("data", "b")})) == {("data", "b")}


def test_a_conflict_names_field_manager_and_remedy() -> None:
    body = {
        "reason": "Conflict",
        "message": "Apply failed with 1 conflict",
        "details": {
            "causes": [
                {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl" using v1', "field": ".data.a"}
            ]
        },
    }
    error = from_answer(409, body, "")
    assert isinstance(error, FieldConflict)
    assert '.data.a ("kubectl" using v1)' in str(error)
    assert "patchForce" in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (404, {"reason": "NotFound", "message": "gone"}, NotFound, "gone"),
        (409, {"reason": "AlreadyExists", "message": "there"}, ApiError, "there"),
        (403, {"message": "no", "details": {"causes": [{"reason": "NamespaceTerminating"}]}}, NamespaceEnding, "no"),
        (403, {"message": "no"}, ApiError, "no"),
        (502, None, ApiError, "Bad Gateway"),
        (500, {"details": None}, ApiError, "Bad Gateway"),
    ],
)
def test_answers_become_errors(status: int, body: object, kind: type[ApiError], text: str) -> None:
    error = from_answer(status, body, "Bad Gateway")
    assert type(error) is kind
    assert (error.status, str(error)) == (status, text)


KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts:
- {name: one, context: {cluster: c, user: u, namespace: ns}}
- {name: two, context: {cluster: c, user: u}}
current-context: one
"""


def test_a_kubeconfig_is_content_or_path(tmp_path) -> None:
    assert load_kubeconfig(KUBECONFIG, None).namespace == "ns"
    assert load_kubeconfig(KUBECONFIG, "two").namespace == "default"
    (tmp_path / "config").write_text(KUBECONFIG)
    assert load_kubeconfig(str(tmp_path / "config"), None).cluster.server == "https://127.0.0.1:1"


@pytest.mark.parametrize(
    ("given", "context"),
    [
        ("/nowhere/config", None),
        (KUBECONFIG, "three"),
        ("a: b\nc: d", None),
        ("{", None),
        (KUBECONFIG.replace("current-context: one", ""), None),
        ("- a\n- b", None),
    ],
)
def test_a_kubeconfig_that_can_not_be_used_is_refused_with_the_reason(given: str, context: str | None) -> None:
    with pytest.raises(ConfigInvalid, match="kubeconfig"):
        load_kubeconfig(given, context)
