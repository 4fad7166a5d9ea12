"""The client against recorded answers: what it sends, retries, counts, and raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from controlplane.errors import Permanent, Temporary
from controlplane.kube import errors, resources
from controlplane.kube.client import Access, Kube
from controlplane.kube.errors import KubeError
from controlplane.kube.resources import Resource
from controlplane.kube.transport import Patience, decode, retry_after

Answers = Callable[[httpx2.Request], httpx2.Response]
IMPATIENT = Patience(timeout=1, total=2, attempts=4, longest_pause=0.05)


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[Answers], Kube]:
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://kube.invalid"}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))

    def make(answers: Answers) -> Kube:
        return Kube.connect(path, patience=IMPATIENT, transport=httpx2.MockTransport(answers))

    return make


def status(code: int, reason: str = "", causes: list[dict[str, str]] | None = None, **headers: str) -> httpx2.Response:
    body = {"kind": "Status", "reason": reason, "message": "said so", "code": code, "details": {"causes": causes or []}}
    return httpx2.Response(code, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


class Script:
    """Answers in order, the last one for ever; remembers the requests."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


POLICY = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "n"}}


def test_apply_is_server_side_by_force_as_one_manager(connect: Callable[[Answers], Kube]) -> None:
    script = Script(httpx2.Response(200, json=POLICY))
    assert connect(script).apply(POLICY, uid="u1") == POLICY
    (request,) = script.requests
    assert (request.method, request.url.path) == ("PATCH", "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/p")
    assert dict(request.url.params) == {"fieldManager": "mlp-control-plane", "force": "true"}
    assert request.headers["content-type"] == "application/apply-patch+yaml"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert json.loads(request.content)["metadata"] == {"name": "p", "namespace": "n", "uid": "u1"}
    assert "uid" not in POLICY["metadata"]


def test_what_a_quota_could_not_count_at_that_moment_is_sent_again(connect: Callable[[Answers], Kube]) -> None:
    said = 'Operation cannot be fulfilled on resourcequotas "objects": the object has been modified; please try again'
    busy = httpx2.Response(409, json={"kind": "Status", "reason": "Conflict", "message": said, "code": 409})
    script = Script(busy, busy, httpx2.Response(200, json=POLICY))
    assert connect(script).apply(POLICY) == POLICY
    assert len(script.requests) == 3
    script = Script(busy)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "objects", "namespace": "n"}}
    with pytest.raises(errors.Conflict):
        connect(script).apply(quota)
    assert len(script.requests) == 1, "a quota that somebody else changed is looked at first"


@pytest.mark.parametrize(
    ("answer", "error", "family"),
    [
        (status(401, "Unauthorized"), errors.Forbidden, Permanent),
        (status(403, "Forbidden"), errors.Forbidden, Permanent),
        (status(403, "Forbidden", [{"reason": "NamespaceTerminating"}]), errors.Terminating, Temporary),
        (status(404, "NotFound"), errors.NotFound, Permanent),
        (status(409, "AlreadyExists"), errors.AlreadyExists, Permanent),
        (status(409, "Conflict"), errors.Conflict, Temporary),
        (status(410, "Expired"), errors.Expired, Temporary),
        (status(422, "Invalid"), errors.Rejected, Permanent),
        (status(400, "BadRequest"), errors.Rejected, Permanent),
        (status(429, "TooManyRequests"), errors.Throttled, Temporary),
        (status(500, "InternalError"), errors.ServerFailure, Temporary),
        (httpx2.Response(502, content=b"<html>bad gateway"), errors.ServerFailure, Temporary),
        (httpx2.ConnectError("refused"), errors.Unreachable, Temporary),
        (httpx2.ReadTimeout("slow"), errors.Unreachable, Temporary),
    ],
)
def test_each_answer_has_its_error(
    connect: Callable[[Answers], Kube], answer: Any, error: type[KubeError], family: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        connect(Script(answer)).apply(POLICY)
    assert isinstance(raised.value, family)
    assert isinstance(raised.value, KubeError)
    assert "networkpolicies/p" in str(raised.value)
    assert "t0ken" not in repr(raised.value)


def test_fields_of_a_refusal_are_kept(connect: Callable[[Answers], Kube]) -> None:
    answer = status(422, "Invalid", [{"reason": "FieldValueInvalid", "field": "roleRef", "message": "no"}])
    with pytest.raises(errors.Rejected) as raised:
        connect(Script(answer)).apply(POLICY)
    assert raised.value.fields == ("roleRef",)


@pytest.mark.parametrize(
    "first",
    [status(429), status(500), status(503), httpx2.ConnectError("x"), httpx2.RemoteProtocolError("closed")],
    ids=str,
)
def test_what_may_pass_is_tried_again(connect: Callable[[Answers], Kube], first: Any) -> None:
    script = Script(first, httpx2.Response(200, json=POLICY))
    kube = connect(script)
    assert kube.apply(POLICY) == POLICY
    assert kube.counter.requests == 2


def test_tries_are_bounded(connect: Callable[[Answers], Kube]) -> None:
    kube = connect(script := Script(status(503)))
    with pytest.raises(errors.ServerFailure):
        kube.get(resources.NAMESPACE, None, "n")
    assert len(script.requests) == IMPATIENT.attempts


def test_a_longer_pause_than_we_wait_is_handed_on(connect: Callable[[Answers], Kube]) -> None:
    kube = connect(script := Script(status(429, Retry_After="30")))
    with pytest.raises(errors.Throttled) as raised:
        kube.get(resources.NAMESPACE, None, "n")
    assert raised.value.retry_after == 30
    assert len(script.requests) == 1


@pytest.mark.parametrize("code", [403, 404, 409, 410, 422])
def test_what_will_not_pass_is_not_tried_again(connect: Callable[[Answers], Kube], code: int) -> None:
    kube = connect(script := Script(status(code)))
    with pytest.raises(KubeError):
        kube.apply(POLICY)
    assert len(script.requests) == 1


def test_lists_are_paged_and_filled_in(connect: Callable[[Answers], Kube]) -> None:
    script = Script(
        httpx2.Response(200, json={"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "next"}}),
        httpx2.Response(200, json={"items": [{"metadata": {"name": "b"}}], "metadata": {}}),
    )
    found = list(connect(script).list(resources.SECRET, "n", labels="a=b", metadata_only=True))
    assert [obj["metadata"]["name"] for obj in found] == ["a", "b"]
    assert {(obj["apiVersion"], obj["kind"]) for obj in found} == {("v1", "Secret")}
    assert [r.url.params.get("continue") for r in script.requests] == [None, "next"]
    assert "as=PartialObjectMetadataList" in script.requests[0].headers["accept"]


def test_delete_by_uid(connect: Callable[[Answers], Kube]) -> None:
    kube = connect(script := Script(httpx2.Response(200, json={}), status(404, "NotFound")))
    assert kube.delete(resources.NAMESPACE, None, "n", uid="u1") is True
    assert kube.delete(resources.NAMESPACE, None, "n") is False
    assert json.loads(script.requests[0].content)["preconditions"] == {"uid": "u1"}
    with pytest.raises(ValueError, match="never deleted over the cluster"):
        kube.delete_all(resources.POD, "")


def test_unknown_kinds_are_discovered_once(connect: Callable[[Answers], Kube]) -> None:
    served = {"resources": [{"name": "things", "kind": "Thing", "namespaced": True},
                            {"name": "things/status", "kind": "Thing", "namespaced": True}]}  # fmt: skip
    kube = connect(script := Script(httpx2.Response(200, json=served)))
    for client in (kube, kube.counted()):
        assert client.resource("x.io/v1", "Thing") == Resource("x.io/v1", "Thing", "things", True)
    assert [r.url.path for r in script.requests] == ["/apis/x.io/v1"]
    with pytest.raises(errors.NotFound, match="is its component installed"):
        kube.resource("x.io/v1", "Other")


def review(**found: Any) -> Script:
    return Script(httpx2.Response(201, json={"status": found}))


def test_token_review(connect: Callable[[Answers], Kube]) -> None:
    user = {"username": "u", "uid": "1", "groups": ["g"]}
    identity = connect(review(authenticated=True, user=user, audiences=["mlp"])).token_review("t", ["mlp"])
    assert identity is not None
    assert (identity.username, identity.groups, identity.audiences) == ("u", ("g",), ("mlp",))
    assert connect(review(authenticated=True, user=user, audiences=[])).token_review("t", ["mlp"]) is None
    assert connect(review(authenticated=True, user=user, audiences=["x"])).token_review("t", ["mlp"]) is None
    assert connect(review(authenticated=False)).token_review("t") is None
    assert connect(review()).token_review("t") is None


@pytest.mark.parametrize(
    ("found", "allowed"),
    [
        ({"allowed": True}, True),
        ({"allowed": False}, False),
        ({}, False),
        ({"allowed": True, "denied": True}, False),
        ({"allowed": False, "evaluationError": "x"}, False),
    ],
)
def test_only_a_clear_yes_is_yes(connect: Callable[[Answers], Kube], found: dict[str, Any], allowed: bool) -> None:
    access = Access(user="u", groups=("g",), verb="get", group="", resource="pods", namespace="n")
    script = review(**found)
    assert connect(script).allowed(access) is allowed
    assert json.loads(script.requests[0].content)["spec"] == {
        "user": "u", "groups": ["g"],
        "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "n"},
    }  # fmt: skip


def test_a_review_without_a_status_is_refused(connect: Callable[[Answers], Kube]) -> None:
    with pytest.raises(errors.Rejected):
        connect(Script(httpx2.Response(200, json={}))).token_review("t")


def test_paths() -> None:
    assert resources.POD.path(None) == "/api/v1/pods"
    assert resources.POD.path("n", "p") == "/api/v1/namespaces/n/pods/p"
    assert resources.NAMESPACE.path("ignored", "n") == "/api/v1/namespaces/n"
    with pytest.raises(ValueError, match="needs a namespace"):
        resources.POD.path(None, "p")


def test_odd_answers() -> None:
    assert decode(b"") == {}
    assert decode(b"[1]") == {"message": "[1]"}
    assert decode(b"\xff")["message"]
    assert retry_after("2") == 2.0
    assert retry_after("-1") == 0.0
    assert retry_after("Wed, 21 Oct 2026 07:28:00 GMT") is None


def test_a_missing_kubeconfig_is_said(tmp_path: Path) -> None:
    with pytest.raises(KubeError, match="expected a readable kubeconfig"):
        Kube.connect(tmp_path / "none")


def test_outside_of_a_pod_there_is_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(KubeError, match="service account"):
        Kube.connect()
