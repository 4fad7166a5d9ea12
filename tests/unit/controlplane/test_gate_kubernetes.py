"""Whose groups a call to the Kubernetes API carries, by path and person."""

from __future__ import annotations

from uuid import UUID

import pytest

from components.gateway.names import KUBERNETES_GROUPS
from components.names import Role
from controlplane.auth.model import Principal, Scope, Via
from controlplane.gate.kubernetes import Impersonation, concerns, namespace_in, of_person, parts
from controlplane.gate.model import Refusal

ACME, BETA = UUID(int=1), UUID(int=2)
BOTH = {ACME: "acme", BETA: "beta"}


@pytest.mark.parametrize(
    ("uri", "namespace"),
    [
        ("/kubernetes/api/v1/namespaces/ws-a--b/pods", "ws-a--b"),
        ("/kubernetes/api/v1/namespaces/ws-a--b", "ws-a--b"),
        ("/kubernetes/api/v1/namespaces/ws-a--b/", "ws-a--b"),
        ("/kubernetes/api/v1/watch/namespaces/ws-a--b/pods", "ws-a--b"),
        ("/kubernetes/apis/batch/v1/namespaces/ws-a--b/jobs/x?pretty=true&x=/namespaces/y", "ws-a--b"),
        ("/kubernetes/apis/batch/v1/watch/namespaces/ws-a--b/jobs", "ws-a--b"),
        ("/kubernetes/api/v1/%6eamespaces/ws-a--b/pods", "ws-a--b"),
        ("/kubernetes/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles/system%3Acontroller", "n"),
        ("/kubernetes/api/v1/namespaces", None),
        ("/kubernetes/api/v1/pods", None),
        ("/kubernetes/apis/batch/v1/jobs?labelSelector=a%2Fb%3Dc", None),
        ("/kubernetes/apis/example.com/namespaces/x/y", None),
        ("/kubernetes/version", None),
        ("/kubernetes/", None),
    ],
)
def test_paths_name_a_namespace_or_none(uri: str, namespace: str | None) -> None:
    assert concerns(uri)
    path = parts(uri)
    assert path is not None
    assert namespace_in(path) == namespace


@pytest.mark.parametrize(
    "path",
    [
        "api/../x", "api/./x", "..", ".", "api//x", "api/%2e%2e/x", "api/%2E./x", "api/.%2e/x", "api%2fx", "api%2Fx",
        "api%5cx", "api\\x", "api/%252e", "api/%", "api/%0", "api/%zz", "api/%00", "api/x%0a", "api/x%7f",
        "api/x%c3%a9", "api/\u00e9", "api/x y", "api/x#y", 'api/x"y', "api/x<y>", "/api",
    ],
)  # fmt: skip
def test_paths_that_two_readers_could_differ_on_are_none(path: str) -> None:
    assert parts(f"/kubernetes/{path}") is None


@pytest.mark.parametrize("uri", ["/kubernetes", "/kubernetesx/api", "//kubernetes/api", "/mlflow/kubernetes/", ""])
def test_other_addresses_are_none_of_ours(uri: str) -> None:
    assert not concerns(uri)


def _person(**changes: object) -> Principal:
    values = {"name": "mo", "via": Via.TOKEN, "roles": {ACME: Role.MEMBER, BETA: Role.VIEWER}, **changes}
    return Principal(**values)  # type: ignore[arg-type]


def test_a_namespace_takes_its_own_tenants_group_alone() -> None:
    found = of_person(_person(), BOTH, BETA, namespaced=True)
    assert found == Impersonation("mo", ("tenant:beta:viewer",))
    assert of_person(_person(), BOTH, None, namespaced=True) == Impersonation("mo", ())
    assert of_person(_person(), BOTH, UUID(int=3), namespaced=True) == Impersonation("mo", ())


def test_no_namespace_takes_all() -> None:
    found = of_person(_person(), BOTH, None, namespaced=False)
    assert found == Impersonation("mo", ("tenant:acme:member", "tenant:beta:viewer"))
    assert of_person(_person(), {BETA: "beta"}, None, namespaced=False) == Impersonation("mo", ("tenant:beta:viewer",))


def test_who_has_no_group_is_told_why() -> None:
    assert of_person(_person(scopes=frozenset({Scope.WRITE})), BOTH, None, namespaced=False) == Refusal(
        403, "token-scope"
    )
    assert of_person(_person(roles={}, platform_admin=True), {}, None, namespaced=False) == Refusal(403, "no-tenant")
    assert of_person(_person(), {}, None, namespaced=False) == Refusal(403, "tenant-suspended")


def test_no_call_takes_more_groups_than_the_gateway_sends() -> None:
    many = {UUID(int=number): f"t{number}" for number in range(KUBERNETES_GROUPS + 1)}
    person = _person(roles=dict.fromkeys(many, Role.MEMBER))
    assert of_person(person, many, None, namespaced=False) == Refusal(403, "too-many-tenants")
    assert of_person(person, many, UUID(int=3), namespaced=True) == Impersonation("mo", ("tenant:t3:member",))
    del many[UUID(int=0)]
    found = of_person(person, many, None, namespaced=False)
    assert isinstance(found, Impersonation)
    headers = found.headers("secret")
    assert headers["X-Mlp-Kubernetes-Authorization"] == "Bearer secret"
    assert headers[f"X-Mlp-Kubernetes-Group-{KUBERNETES_GROUPS}"]
    assert f"X-Mlp-Kubernetes-Group-{KUBERNETES_GROUPS + 1}" not in headers
    assert (headers["X-Mlp-Kubernetes-Account"], headers["X-Remote-User"]) == ("mo", "user:mo")


def test_an_answer_does_not_print_the_token() -> None:
    assert "secret" not in repr(Impersonation("mo", ()))
