"""The tracking server's guards, without MLflow."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest

from components.tracking.objects import environment
from components.tracking.rbac import MEMBER_RULES, VIEWER_RULES, WORKLOAD_RULES
from components.tracking.server.guard import GatewayGuard
from components.tracking.server.locations import permitted
from components.tracking.settings import TrackingSettings
from components.tracking.workspace import workload_volume
from tests.servers.installs import install

SECRET = "0123456789abcdef0123456789abcdef"
READER = "reader-0123456789abcdef0123456789"


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("s3://mlflow", True),
        ("s3://mlflow/", True),
        ("s3://mlflow/workspaces/ws-a/1/x", True),
        ("s3://mlflow/workspaces/ws-a", False),
        ("s3://mlflow/workspaces/ws-ab/1", False),
        ("s3://mlflow/workspaces/ws-b/1", False),
        ("s3://mlflow/workspaces/ws-a/../ws-b/1", False),
        ("s3://mlflow/workspaces/ws-a/./1", False),
        ("s3://mlflow/workspaces/ws-a/%2e%2e/ws-b", False),
        ("s3://mlflow/workspaces/ws-a//x", False),
        ("s3://mlflow/workspaces/ws-a\\..\\ws-b", False),
        ("s3://mlflow/workspaces/ws-a/1?versionId=1", False),
        ("s3://mlflow/workspaces/ws-a/1#x", False),
        ("s3://mlflow.evil/workspaces/ws-a/1", False),
        ("s3://other/workspaces/ws-a/1", False),
        ("file:///workspaces/ws-a/1", False),
        ("http://mlflow/workspaces/ws-a/1", False),
        ("", False),
    ],
)
def test_locations_stay_in_the_workspace(uri: str, allowed: bool) -> None:
    assert permitted(uri, "s3://mlflow", "ws-a") is allowed


def test_without_a_workspace_there_is_the_destination_only() -> None:
    assert permitted("s3://mlflow", "s3://mlflow", None)
    assert not permitted("s3://mlflow/workspaces/ws-a/1", "s3://mlflow", None)
    assert permitted("s3://mlflow/below/workspaces/a/1", "s3://mlflow/below", "a")
    assert not permitted("s3://mlflow/workspaces/a/1", "s3://mlflow/below", "a")


def _call(
    headers: list[tuple[bytes, bytes]], path: str = "/api", kind: str = "http", method: str = "GET"
) -> tuple[int | None, Any]:
    """Status of the guard's own answer (None: passed on) and the scope that the application saw."""
    seen: list[Any] = []
    sent: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    async def receive() -> Any:
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    guard = GatewayGuard(application, SECRET, READER)
    call = guard({"type": kind, "path": path, "method": method, "headers": headers}, receive, send)
    with contextlib.suppress(StopIteration):  # nothing here waits, so one step runs it to its end
        call.send(None)
    return (sent[0]["status"] if sent else None), (seen[0] if seen else None)


def test_the_gateways_secret_opens_and_goes_no_further() -> None:
    status, scope = _call([(b"X-Mlp-Gateway-Secret", SECRET.encode()), (b"x-remote-user", b"user:a")])
    assert status is None
    assert scope["headers"] == [(b"x-remote-user", b"user:a")]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-mlp-gateway-secret", b"")],
        [(b"x-mlp-gateway-secret", b"wrong")],
        [(b"x_mlp_gateway_secret", SECRET.encode())],
    ],
)
def test_others_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert _call(headers) == (403, None)


@pytest.mark.parametrize("name", [b"x-remote-user", b"X-Remote-Groups", b"X-MLFLOW-WORKSPACE", b"x-mlp-gateway-secret"])
def test_a_header_that_decides_may_stand_once(name: bytes) -> None:
    secret = (b"x-mlp-gateway-secret", SECRET.encode())
    assert _call([secret, (name, b"a"), (name.lower(), b"b")]) == (400, None)


ALIAS = "/api/2.0/mlflow/registered-models/alias"
_AS_WORKLOAD = [
    (b"x-mlp-gateway-secret", READER.encode()),
    (b"x-remote-user", b"system:serviceaccount:ws-acme--lab:workload"),
    (b"x-mlflow-workspace", b"ws-acme--lab"),
]


def test_the_watcher_reads_aliases_as_the_workspaces_own_account() -> None:
    status, scope = _call(_AS_WORKLOAD, ALIAS)
    assert status is None
    assert scope["headers"] == _AS_WORKLOAD[1:]


@pytest.mark.parametrize(
    ("changed", "path", "method"),
    [
        ({}, ALIAS, "POST"),
        ({}, ALIAS, "DELETE"),
        ({}, f"{ALIAS}/", "GET"),
        ({}, "/api/2.0/mlflow/runs/search", "GET"),
        ({}, "/api/2.0/mlflow-artifacts/artifacts", "GET"),
        ({}, f"{ALIAS}/../../runs/get", "GET"),
        ({b"x-remote-user": b"user:root"}, ALIAS, "GET"),
        ({b"x-remote-user": b"system:serviceaccount:ws-acme--lab:default"}, ALIAS, "GET"),
        ({b"x-remote-user": b"system:serviceaccount:ws-evil--lab:workload"}, ALIAS, "GET"),
        ({b"x-remote-user": b"system:serviceaccount:mlp-system:workload"}, ALIAS, "GET"),
        ({b"x-remote-user": b"system:serviceaccount:ws-acme--lab:workload\n"}, ALIAS, "GET"),
        ({b"x-mlflow-workspace": b"ws-evil--lab"}, ALIAS, "GET"),
        ({b"x-mlflow-workspace": None}, ALIAS, "GET"),
        ({b"x-remote-user": None}, ALIAS, "GET"),
    ],
)
def test_the_watchers_secret_opens_nothing_else(changed: dict[bytes, bytes | None], path: str, method: str) -> None:
    headers = [(name, value) for name, value in (dict(_AS_WORKLOAD) | changed).items() if value is not None]
    assert _call(headers, path, method=method) == (403, None)


def test_health_is_open_and_exact_and_nothing_but_http_passes() -> None:
    assert _call([], "/health")[0] is None
    assert _call([], "/healthz") == (403, None)
    assert _call([], "/health/../api") == (403, None)
    assert _call([], "/api", "websocket") == (None, None)


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("mlflow-artifacts:/workspaces/a/1", True),
        ("runs:/abc/model", True),
        ("models:/name/1", True),
        ("dummy-source", True),
        ("s3://mlflow/x", False),
        ("x\nruns:/abc/model", False),
        (" runs:/abc", False),
        ("dummy-source\n", False),
        ("/etc/passwd", False),
    ],
)
def test_sources_of_model_versions(source: str, allowed: bool) -> None:
    pattern = environment(TrackingSettings(), install())["MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX"]
    assert bool(re.search(pattern, source)) is allowed


def test_rules_grow_with_the_role_and_hold_no_wildcards() -> None:
    verbs = {}
    for name, rules in (("viewer", VIEWER_RULES), ("workload", WORKLOAD_RULES), ("member", MEMBER_RULES)):
        (rule,) = rules
        assert rule["apiGroups"] == ["mlflow.kubeflow.org"]
        assert not [resource for resource in rule["resources"] if "*" in resource or "gateway" in resource]
        assert "assistants" not in rule["resources"]
        assert "mlflowconfigs" not in rule["resources"]
        verbs[name] = set(rule["verbs"])
    assert verbs["viewer"] < verbs["workload"] < verbs["member"]


def test_workload_volume_holds_a_short_token_for_the_platform_only() -> None:
    sources = workload_volume()["projected"]["sources"]
    assert sources[0]["serviceAccountToken"] == {"path": "token", "audience": "mlp", "expirationSeconds": 3600}
