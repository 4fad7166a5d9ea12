"""Which endpoint answers a call."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from controlplane.errors import Temporary
from controlplane.gate.endpoints import CachedEndpoints
from controlplane.gate.model import Identity, Refusal
from controlplane.gate.serving import EndpointCall, EndpointGate, judged
from controlplane.kube.client import Access
from controlplane.kube.errors import NotFound
from controlplane.serving.endpoints import Endpoint, chosen, endpoint, shares

WHO = Identity("user:mo", ("tenant:acme:member",))
URI = "/serving/ws-acme--lab/iris/v2/models/iris/infer"


def inference_service(
    name: str = "iris-next", ready: str = "True", labels: dict[str, str] | None = None, **meta: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels, **meta},
        "status": {"conditions": [{"type": "PredictorReady", "status": "False"}, {"type": "Ready", "status": ready}]},
    }


def of(*endpoints: Endpoint) -> dict[str, Endpoint]:
    return {each.name: each for each in endpoints}


def canary(name: str, percent: int, *, ready: bool = True, main: str = "iris") -> Endpoint:
    return Endpoint(name, ready, main=main, percent=percent)


IRIS = Endpoint("iris", True)


@pytest.mark.parametrize(
    ("said", "percent"),
    [
        ("0", 0),
        ("7", 7),
        ("100", 100),
        ("101", 0),
        ("-1", 0),
        ("1e1", 0),
        ("10%", 0),
        ("05", 0),
        ("", 0),
        ("\u0665", 0),
    ],
)
def test_a_share_is_a_whole_number_up_to_100_or_none(said: str, percent: int) -> None:
    found = endpoint(
        inference_service(labels={"mlp.io/canary-of": "iris"}, annotations={"mlp.io/canary-percent": said})
    )
    assert found == Endpoint("iris-next", ready=True, main="iris", percent=percent)


def test_what_is_no_canary_asks_for_nothing() -> None:
    notes = {"mlp.io/canary-percent": "10"}
    for labels in (None, {}, {"mlp.io/canary-of": ""}, {"mlp.io/canary-of": "iris-next"}):
        assert endpoint(inference_service(labels=labels, annotations=notes)) == Endpoint("iris-next", ready=True)


@pytest.mark.parametrize(
    "obj",
    [
        inference_service(ready="False"),
        inference_service(ready="Unknown"),
        inference_service(deletionTimestamp="2026-01-02T03:04:05Z"),
        inference_service(annotations={"serving.kserve.io/stop": "True"}),
        {"metadata": {"name": "new"}},
    ],
)
def test_not_ready_is_what_does_not_answer_for_certain(obj: dict[str, Any]) -> None:
    assert not endpoint(obj).ready


def test_shares_are_those_of_ready_canaries_of_this_very_endpoint() -> None:
    found = of(
        IRIS, canary("a", 10), canary("b", 20, ready=False), canary("c", 0), canary("d", 5, main="other"),
        Endpoint("other", True), canary("e", 7, main="a"),
    )  # fmt: skip
    assert shares(found, "iris") == {"a": 10}
    assert shares(found, "other") == {"d": 5}
    assert shares(found, "a") == {}, "a canary's model has another name than its address"
    assert shares(found, "missing") == {}


def test_together_they_take_all_at_most_in_the_order_of_names() -> None:
    found = of(canary("c", 50), canary("b", 60), IRIS, canary("a", 30))
    assert shares(found, "iris") == {"a": 30, "b": 60, "c": 10}
    assert shares(of(IRIS, canary("b", 100), canary("a", 100)), "iris") == {"a": 100}


def test_a_stopped_endpoint_answers_nothing_and_its_canaries_neither() -> None:
    assert shares(of(Endpoint("iris", False, stopped=True), canary("a", 50)), "iris") == {}
    assert shares(of(Endpoint("iris", False), canary("a", 50)), "iris") == {"a": 50}, "broken is not stopped"


def test_calls_are_split_in_their_shares() -> None:
    found = of(IRIS, canary("a", 10), canary("b", 25))
    answered = [chosen(found, "iris", number / 1000) for number in range(1000)]
    assert (answered.count("a"), answered.count("b"), answered.count("iris")) == (100, 250, 650)
    for draw in (0.0, 0.5, 0.9999999):
        assert chosen(of(IRIS, canary("a", 100)), "iris", draw) == "a"
        assert chosen(of(IRIS, canary("a", 0)), "iris", draw) == "iris"
        assert chosen({}, "iris", draw) == "iris"


class Reader:
    def __init__(self, *found: Endpoint) -> None:
        self.found = found
        self.asked: list[str] = []
        self.error: Exception | None = None

    def endpoints(self, namespace: str) -> Iterable[Endpoint]:
        self.asked.append(namespace)
        if self.error is not None:
            raise self.error
        return iter(self.found)


def test_a_namespace_is_looked_at_once_in_three_seconds() -> None:
    now, reader = [0.0], Reader(IRIS)
    cached = CachedEndpoints(reader, clock=lambda: now[0])
    for _ in range(3):
        assert cached.of("ws-acme--lab") == {"iris": IRIS}
    cached.of("ws-acme--other")
    assert reader.asked == ["ws-acme--lab", "ws-acme--other"]
    now[0], reader.found = 3.0, ()
    assert cached.of("ws-acme--lab") == {}


@pytest.mark.parametrize("error", [Temporary("away"), NotFound("no such kind")])
def test_where_nobody_can_tell_there_are_no_canaries(error: Exception) -> None:
    now, reader = [0.0], Reader(IRIS, canary("a", 100))
    cached = CachedEndpoints(reader, clock=lambda: now[0])
    assert len(cached.of("ws-acme--lab")) == 2
    now[0], reader.error = 3.5, error
    for _ in range(3):
        assert cached.of("ws-acme--lab") == {}
    assert len(reader.asked) == 2, "a server in trouble is not asked by every call"
    now[0], reader.error = 7.0, None
    assert len(cached.of("ws-acme--lab")) == 2


def test_only_so_many_namespaces_are_remembered() -> None:
    reader = Reader()
    cached = CachedEndpoints(reader, size=2, clock=lambda: 0.0)
    for namespace in ("a", "b", "a", "c", "a", "b"):
        cached.of(namespace)
    assert reader.asked == ["a", "b", "c", "b"]


class Slow(Reader):
    """Answers when it is let go."""

    def __init__(self, *found: Endpoint) -> None:
        super().__init__(*found)
        self.asking, self.go = threading.Event(), threading.Event()

    def endpoints(self, namespace: str) -> Iterable[Endpoint]:
        self.asking.set()
        assert self.go.wait(10)
        return super().endpoints(namespace)


def test_one_call_asks_and_the_others_do_not_wait_for_it() -> None:
    now, slow = [0.0], Slow(IRIS)
    cached = CachedEndpoints(slow, clock=lambda: now[0])
    first = [threading.Thread(target=cached.of, args=("ws-acme--lab",)) for _ in range(2)]
    for thread in first:
        thread.start()
    slow.go.set()
    for thread in first:
        thread.join(10)
    assert slow.asked == ["ws-acme--lab"], "the second waited for the first one's answer"

    now[0], slow.found = 4.0, (IRIS, canary("a", 100))
    slow.go.clear()
    slow.asking.clear()
    asking = threading.Thread(target=cached.of, args=("ws-acme--lab",))
    asking.start()
    assert slow.asking.wait(10)
    assert cached.of("ws-acme--lab") == {"iris": IRIS}
    slow.go.set()
    asking.join(10)
    assert len(cached.of("ws-acme--lab")) == 2


class Calls:
    """Lets everybody call `iris` and nothing else."""

    def allowed(self, access: Access) -> bool:
        return access.name == "iris"


def test_a_call_goes_to_a_canary_of_the_same_namespace() -> None:
    gate = EndpointGate(Calls(), CachedEndpoints(Reader(IRIS, canary("iris-next", 10))), lambda: 0.05)
    call = judged(WHO, URI, gate)
    assert isinstance(call, EndpointCall)
    assert call.headers()["X-Upstream"] == "iris-next-predictor.ws-acme--lab"
    assert call.headers()["X-Served-By"] == "iris-next"
    stays = judged(WHO, URI, EndpointGate(Calls(), gate.endpoints, lambda: 0.5))
    assert isinstance(stays, EndpointCall)
    assert stays.headers()["X-Served-By"] == "iris"


def test_the_canarys_own_address_takes_a_right_of_its_own() -> None:
    reader = Reader(IRIS, canary("iris-next", 10))
    gate = EndpointGate(Calls(), CachedEndpoints(reader))
    own = URI.replace("/iris/v2", "/iris-next/v2")
    assert judged(WHO, own, gate) == Refusal(403, "not-an-endpoint")
    assert reader.asked == [], "who may not call makes nobody look"
    assert judged(WHO, URI, None) == Refusal(403, "not-an-endpoint")
    assert judged(WHO, "/mlflow/x", gate) == WHO
