"""What RBAC is asked about calls of Kubeflow Pipelines, and how long its answers are remembered."""

from __future__ import annotations

import pytest

from controlplane.gate.access import CachedAccess
from controlplane.gate.kubeflow_pipelines import InstanceCall, changes, judged
from controlplane.gate.model import Identity, Refusal
from controlplane.kube.client import Access

WHO = Identity("user:vi", ("tenant:acme:viewer",))
RUNS = "/kfp/ws-acme--lab/apis/v2beta1/runs"
UPLOAD = "/kfp/ws-acme--lab/apis/v2beta1/pipelines/upload?name=a"
NO = Refusal(403, "not-an-instance")


class Reads:
    """Lets everybody read in one namespace."""

    def __init__(self) -> None:
        self.asked: list[Access] = []

    def allowed(self, access: Access) -> bool:
        self.asked.append(access)
        return (access.verb, access.namespace) == ("get", "ws-acme--lab")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_takes_get(method: str) -> None:
    reads = Reads()
    call = judged(WHO, method, RUNS, reads)
    assert isinstance(call, InstanceCall)
    assert call.headers()["X-Upstream"] == "ml-pipeline.ws-acme--lab"
    assert reads.asked == [
        Access(
            user="user:vi", groups=("tenant:acme:viewer",), verb="get", group="pipelines.kubeflow.org",
            resource="runs", namespace="ws-acme--lab",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("POST", RUNS),
        ("PUT", RUNS),
        ("PATCH", RUNS),
        ("DELETE", RUNS),
        ("TRACE", RUNS),
        ("", RUNS),
        ("get", RUNS),
        ("GET", UPLOAD),
        ("HEAD", UPLOAD.replace("upload", "upload_version")),
    ],
)
def test_everything_else_takes_create(method: str, uri: str) -> None:
    reads = Reads()
    assert changes(method, uri)
    assert judged(WHO, method, uri, reads) == NO
    assert [access.verb for access in reads.asked] == ["create"]


def test_refusals_are_the_same_whatever_there_is() -> None:
    reads = Reads()
    for uri in (RUNS.replace("lab", "other"), "/kfp/ws-acme--lab/metrics", "/kfp/../mlflow/api", "/kfp/"):
        assert judged(WHO, "GET", uri, reads) == NO
    assert judged(WHO, "GET", RUNS, None) == NO
    assert len(reads.asked) == 1, "nobody is asked about what is no address"


def test_other_calls_and_refusals_are_left_alone() -> None:
    reads, refused = Reads(), Refusal(401, "unknown-token")
    assert judged(WHO, "POST", "/mlflow/api?/kfp/ws-acme--lab/apis/", reads) == WHO
    assert judged(WHO, "POST", "/kfpx/", reads) == WHO
    assert judged(refused, "GET", RUNS, reads) == refused
    assert reads.asked == []


def test_answers_are_remembered_for_three_seconds_by_the_whole_question() -> None:
    now, reads = [0.0], Reads()
    cached = CachedAccess(reads, clock=lambda: now[0], size=2)
    for _ in range(3):
        assert isinstance(judged(WHO, "GET", RUNS, cached), InstanceCall)
        assert judged(WHO, "POST", RUNS, cached) == NO
    assert [access.verb for access in reads.asked] == ["get", "create"]
    now[0] = 3.5
    judged(WHO, "GET", RUNS, cached)
    assert len(reads.asked) == 3
    judged(Identity("user:other", ()), "GET", RUNS, cached)
    judged(WHO, "POST", RUNS, cached)
    judged(WHO, "GET", RUNS, cached)
    assert len(reads.asked) == 6, "only so many are remembered"
