"""Kubeflow Pipelines of workspaces behind a real nginx: which paths reach one, and what its answers may not do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.servers.gateway import PIPELINES, Gateway, gateway, program

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]

GOOD = {"Authorization": "Bearer good"}
RUNS = f"{PIPELINES}v2beta1/runs"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("gateway")) as started:
        yield started


@pytest.fixture(autouse=True)
def _fresh(running: Gateway) -> None:
    running.seen.clear()
    running.endpoint_headers.clear()


def test_a_call_reaches_the_instance_without_what_says_who_calls(running: Gateway) -> None:
    sent = {
        **GOOD, "Cookie": "__Host-mlp_session=secret", "Content-Type": "application/json", "X-Remote-User": "root",
        "kubeflow-userid": "root", "X-Goog-Authenticated-User-Email": "root", "X-HTTP-Method-Override": "DELETE",
    }  # fmt: skip
    path = f"{RUNS}?filter=%7B%22a%22%3A1%7D&y=/../"
    answer, body = running.ask("POST", path, sent, b'{"display_name": "a"}')
    assert answer.status == 200
    seen = json.loads(body)
    expected = ("pipelines", "POST", "/apis/v2beta1/runs?filter=%7B%22a%22%3A1%7D&y=/../", 21)
    assert (seen["server"], seen["method"], seen["path"], seen["length"]) == expected
    headers = dict(seen["headers"])
    assert headers["host"].startswith("ml-pipeline.ws-acme--dev.svc.cluster.local:")
    assert headers["content-type"] == "application/json"
    allowed = {
        "accept-encoding", "content-length", "content-type", "host", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-proto", "x-real-ip", "x-request-id",
    }  # fmt: skip
    assert set(headers) <= allowed, "a closed list"
    asked = dict(running.seen[0]["headers"])
    assert running.seen[0]["server"] == "control-plane"
    assert (asked["x-original-uri"], asked["x-original-method"]) == (path, "POST")


@pytest.mark.parametrize(
    "path",
    [
        "/kfp/",
        "/kfp/ws-acme--dev",
        "/kfp/ws-acme--dev/",
        "/kfp/ws-acme--dev/apis",
        "/kfp/ws-acme--dev/metrics",
        "/kfp/ws-acme--dev/metrics/apis/",
        "/kfp/ws-acme--dev/apis/../metrics",
        "/kfp/ws-acme--dev/apis/..",
        "/kfp/ws-acme--dev/apis/..;/metrics",
        "/kfp/ws-acme--dev/apis/%2e%2e/metrics",
        "/kfp/ws-acme--dev/apis%2fv2beta1/runs",
        "/kfp/ws-acme--dev/apis/..%2fmetrics",
        "/kfp/ws-acme--dev/apis/./v2beta1/runs",
        "/kfp/ws-acme--dev/apis//v2beta1/runs",
        "/kfp/ws-acme--dev//apis/v2beta1/runs",
        "/kfp/ws-acme--dev/./apis/v2beta1/runs",
        "/kfp/ws-acme--dev/apis/v2beta1/pipelines/%75pload",
        "/kfp/ws-acme--dev/apis/a%0d%0ab",
        "/kfp/ws-acme--dev/webhooks/validate-pipelineversion",
        "/kfp/ws-acme--dev.svc/apis/v2beta1/runs",
        "/kfp/ws-acme--dev:8443/apis/v2beta1/runs",
        "/kfp/ws-acme--dev@evil.example/apis/v2beta1/runs",
        "/kfp/WS-acme--dev/apis/v2beta1/runs",
        "/kfp/mlp-system/apis/v2beta1/runs",
        "/kfp/kube-system/apis/v2beta1/runs",
        "/kfp/127.0.0.1/apis/v2beta1/runs",
        "/kfp//ws-acme--dev/apis/v2beta1/runs",
        "//kfp/ws-acme--dev/apis/v2beta1/runs",
        "/./kfp/ws-acme--dev/apis/v2beta1/runs",
        "/mlflow/../kfp/ws-acme--dev/apis/v2beta1/runs",
        "/%6bfp/ws-acme--dev/apis/v2beta1/runs",
        "/serving/ws-acme--dev/iris/../../../kfp/ws-acme--dev/apis/v2beta1/runs",
        "/kfp/ws-acme--dev/apis/../../ws-evil--dev/apis/v2beta1/runs",
    ],
)
def test_other_paths_reach_nobody(running: Gateway, path: str) -> None:
    answer, body = running.ask("POST", path, GOOD, b"{}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(body)
    assert (answer.status, problem["status"], problem["code"]) == (404, 404, "not-found")
    assert "/kfp/(namespace)/apis/" in problem["detail"]
    assert running.seen == []


@pytest.mark.parametrize(
    "path", ["/kfp/ws-acme--dev/apis/../../../mlflow/api", "/kfp/../mlflow/api", "/kfp/../serving/ws-acme--dev/iris/v2"]
)
def test_a_path_that_begins_like_an_instance_is_still_what_it_leads_to(running: Gateway, path: str) -> None:
    """The control plane refuses what is below /kfp/ and not plain, wherever nginx would bring it."""
    running.ask("GET", path, GOOD)
    assert not {"pipelines", "endpoint"} & {seen["server"] for seen in running.seen}


def test_refusals_and_failures_of_the_control_plane_let_nobody_through(running: Gateway) -> None:
    for token, status, code in (("nobody", 403, "not-allowed"), ("broken", 503, "unavailable"), ("", 401, "sign-in")):
        answer, body = running.ask("GET", RUNS, {"Authorization": f"Bearer {token}"})
        assert (answer.status, json.loads(body)["code"]) == (status, code)
    assert {seen["server"] for seen in running.seen} == {"control-plane"}


def test_an_instance_that_is_not_there_is_said_to_be_unavailable(running: Gateway) -> None:
    answer, body = running.ask("GET", "/kfp/ws-acme--other/apis/v2beta1/healthz", GOOD)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["detail"] == (
        "Kubeflow Pipelines does not answer: the workspace does not have the feature, or it is starting."
    )


def test_changes_from_other_pages_are_refused(running: Gateway) -> None:
    answer, _ = running.ask("POST", RUNS, {**GOOD, "Origin": "https://evil.example"}, b"{}")
    assert answer.status == 403
    assert running.seen == []


def test_answers_get_no_powers_on_the_consoles_origin(running: Gateway) -> None:
    running.endpoint_headers.extend(
        [
            ("Set-Cookie", "__Host-mlp_session=planted"),
            ("Content-Security-Policy", "script-src *"),
            ("Access-Control-Allow-Origin", "*"),
            ("Service-Worker-Allowed", "/"),
            ("Clear-Site-Data", "*"),
            ("X-Content-Type-Options", "sniff"),
            ("Grpc-Metadata-Content-Type", "kept"),
        ]
    )
    answer, _ = running.ask("GET", RUNS, GOOD)
    assert answer.headers.get_all("Content-Security-Policy") == ["sandbox; default-src 'none'"]
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers["Grpc-Metadata-Content-Type"] == "kept"
    for name in ("Set-Cookie", "Access-Control-Allow-Origin", "Service-Worker-Allowed", "Clear-Site-Data"):
        assert name not in answer.headers


def test_an_instance_cannot_send_nginx_to_internal_locations(running: Gateway) -> None:
    running.endpoint_headers.extend([("X-Accel-Redirect", "/_authorize"), ("X-Accel-Limit-Rate", "1")])
    answer, body = running.ask("GET", RUNS, GOOD)
    assert (answer.status, json.loads(body)["server"]) == (200, "pipelines")
    assert [seen["server"] for seen in running.seen] == ["control-plane", "pipelines"]
    assert not [name for name in answer.headers if name.startswith("X-Accel-")]


def test_packages_are_taken_up_to_the_limit_of_the_gateway(running: Gateway) -> None:
    upload = f"{PIPELINES}v2beta1/pipelines/upload?name=a"
    most = 1024 * 1024
    sent = {**GOOD, "Content-Type": "multipart/form-data; boundary=x"}
    answer, text = running.ask("POST", upload, sent, b"x" * most)
    assert (answer.status, json.loads(text)["length"]) == (200, most)
    answer, text = running.ask("POST", upload, sent, b"x" * (most + 1))
    assert (answer.status, json.loads(text)["code"]) == (413, "too-large")
