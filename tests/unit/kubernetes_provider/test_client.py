"""The API server's errors, and kubeconfigs."""

from __future__ import annotations

import pytest

from infra.providers.kubernetes.client import load_kubeconfig
from infra.providers.kubernetes.errors import (
    ApiError,
    ConfigInvalid,
    FieldConflict,
    NamespaceEnding,
    NotFound,
    from_answer,
)


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
