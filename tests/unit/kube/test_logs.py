"""Lines of containers' logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
import yaml

from controlplane.kube import errors, logs
from controlplane.kube.client import Kube
from controlplane.kube.transport import Patience

FIRST = "2026-01-02T03:04:05.000000001Z"
SECOND = "2026-01-02T03:04:05.000000002Z"


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[httpx2.MockTransport], Kube]:
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://kube.invalid"}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    patience = Patience(timeout=1, total=1, attempts=1)
    return lambda transport: Kube.connect(path, patience=patience, transport=transport)


def test_a_line_is_told_from_its_stamp() -> None:
    line = logs.parse(f"{FIRST} hello  world")
    assert (line.stamp, line.text) == (FIRST, "hello  world")
    assert line.at is not None
    for odd in ("no stamp here", "", "2026 x"):
        assert logs.parse(odd) == logs.Line("", odd)


def test_the_last_lines(connect: Callable[[httpx2.MockTransport], Kube]) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, text=f"{FIRST} one\n{SECOND} two\n")

    found = logs.last(connect(httpx2.MockTransport(answer)), "ws-a--b", "pod", "main", 1)
    assert [line.text for line in found] == ["two"]
    assert asked[0].url.path == "/api/v1/namespaces/ws-a--b/pods/pod/log"
    assert asked[0].url.params["tailLines"] == "1"


def test_who_comes_again_misses_no_line_and_sees_none_twice(connect: Callable[[httpx2.MockTransport], Kube]) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, text=f"{FIRST} one\n{SECOND} two\n")

    kube = connect(httpx2.MockTransport(answer))
    found = list(logs.follow(kube, "n", "pod", "main", tail=5, after=FIRST, silence=1))
    assert [line.text for line in found] == ["two"]
    assert asked[0].url.params["sinceTime"] == "2026-01-02T03:04:05Z", "the API knows whole seconds"
    assert "tailLines" not in asked[0].url.params


def test_a_refusal_is_raised_from_a_stream_too(connect: Callable[[httpx2.MockTransport], Kube]) -> None:
    body = {"kind": "Status", "code": 400, "reason": "BadRequest", "message": 'container "main" is waiting to start'}
    kube = connect(httpx2.MockTransport(lambda _: httpx2.Response(400, json=body)))
    with pytest.raises(errors.Rejected) as refused:
        list(logs.follow(kube, "n", "pod", "main", tail=5, silence=1))
    assert refused.value.said == 'container "main" is waiting to start'
