"""The watch loop against scripted streams: resume, relist, bookmarks, pauses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from components.contract import KubernetesObject
from controlplane.kube import resources
from controlplane.kube import watch as module
from controlplane.kube.client import Kube
from controlplane.kube.transport import Patience
from controlplane.kube.watch import Watch


class Recorder:
    """What the watch handed on."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def listed(self, objects: Iterable[KubernetesObject]) -> None:
        self.seen.append(("listed", [o["metadata"]["name"] for o in objects]))

    def changed(self, obj: KubernetesObject) -> None:
        self.seen.append(("changed", obj["metadata"]["name"]))

    def gone(self, obj: KubernetesObject) -> None:
        self.seen.append(("gone", (obj["kind"], obj["metadata"]["name"])))


class Server:
    """Answers lists and streams in order; after the last stream the watch is stopped."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.finished = threading.Event()
        self.stop: Callable[[], None] = self.finished.set

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        params = request.url.params
        self.asked.append(("watch" if "watch" in params else "list", params.get("resourceVersion", "")))
        if not self.answers:
            self.stop()
            return httpx2.Response(200, content=b"")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(version: str, *names: str, token: str = "") -> httpx2.Response:
    items = [{"metadata": {"name": name, "resourceVersion": version}} for name in names]
    return httpx2.Response(200, json={"items": items, "metadata": {"resourceVersion": version, "continue": token}})


def event(kind: str, name: str, version: str) -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}}


def stream(*events: dict[str, Any], tail: bytes = b"") -> httpx2.Response:
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in events)
    return httpx2.Response(200, content=lines + tail)


EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Server], Recorder]:
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(Watch, "_jitter", lambda self, seconds: 0.01)
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://kube.invalid"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))

    def run(server: Server) -> Recorder:
        kube = Kube.connect(path, transport=httpx2.MockTransport(server), patience=Patience(attempts=1))
        recorder = Recorder()
        made = Watch(kube, resources.CONFIG_MAP, recorder, labels="a=b")
        server.stop = made.stop
        made.run()
        assert made.synced.is_set()
        return recorder

    return run


def test_a_list_then_its_changes(watch: Callable[[Server], Recorder]) -> None:
    server = Server(
        page("10", "a", token="more"),
        page("10", "b"),
        stream(event("MODIFIED", "a", "11"), event("DELETED", "b", "12"), event("BOOKMARK", "", "20")),
    )
    assert watch(server).seen == [("listed", ["a", "b"]), ("changed", "a"), ("gone", ("ConfigMap", "b"))]
    assert server.asked == [("list", ""), ("list", ""), ("watch", "10"), ("watch", "20")]


@pytest.mark.parametrize(
    "failure",
    [
        stream(event("ADDED", "x", "11"), tail=b'{"type": "ADD'),
        httpx2.Response(503, json={"message": "busy"}),
        httpx2.Response(429, json={"message": "slow"}, headers={"Retry-After": "60"}),
        httpx2.Response(403, json={"message": "rights are being changed"}),
        httpx2.ConnectError("refused"),
        httpx2.RemoteProtocolError("cut"),
        httpx2.ReadTimeout("silent"),
    ],
    ids=lambda failure: getattr(failure, "status_code", type(failure).__name__),
)
def test_a_broken_stream_goes_on_from_the_last_event(watch: Callable[[Server], Recorder], failure: Any) -> None:
    server = Server(page("10"), failure, stream(event("ADDED", "later", "30")))
    recorder = watch(server)
    assert ("changed", "later") in recorder.seen
    assert [kind for kind, _ in server.asked].count("list") == 1
    broke_at = "11" if isinstance(failure, httpx2.Response) and failure.status_code == 200 else "10"
    assert server.asked[2] == ("watch", broke_at)


@pytest.mark.parametrize(
    "answer", [stream(EXPIRED), httpx2.Response(410, json={"reason": "Expired", "message": "too old"})]
)
def test_lost_history_means_listing_again(watch: Callable[[Server], Recorder], answer: httpx2.Response) -> None:
    server = Server(page("10", "a"), answer, page("50", "b"), stream(event("ADDED", "c", "51")))
    assert watch(server).seen == [("listed", ["a"]), ("listed", ["b"]), ("changed", "c")]
    assert server.asked[:4] == [("list", ""), ("watch", "10"), ("list", ""), ("watch", "50")]


def test_a_failing_list_is_asked_again(watch: Callable[[Server], Recorder]) -> None:
    server = Server(httpx2.ConnectError("not up yet"), page("10", "a"))
    assert watch(server).seen == [("listed", ["a"])]
